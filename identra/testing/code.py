"""Conformance of channels that carry codes."""

from __future__ import annotations

import re
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Final

from identra.deadline import bounded
from identra.errors import IdentraError
from identra.providers.code import CodeProvider, spell_recipient
from identra.testing.case import Conformance, Rule, demand
from identra.testing.house import NOBODY, House, open_house, refused, user_of
from identra.testing.place import Fault, Place
from identra.upstream import open_network

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from identra.testing.watching import Watch

SOON: Final = 1.0
ODD: Final = ("", " ", "\0", "a" * 10_000, "\ud800", "0", "null", "<script>")


async def starts(case: CodeConformance, _: Watch) -> None:
    """It is taken at the door and can serve."""
    async with case.house() as house:
        missing = case.provider_in(house).missing()
        demand(missing is None, f"can't serve: {missing}; give `settings` what it needs")


async def spells_once(case: CodeConformance, _: Watch) -> None:
    """One recipient has one spelling, and what is none is refused as a ValueError."""
    async with case.house() as house:
        provider = case.provider_in(house)
        spelled = {spell_recipient(provider, typed) for typed in case.one_recipient}
        demand(len(spelled) == 1, f"one recipient is spelled {sorted(spelled)}")
        demand({provider.recipient(one) for one in spelled} == spelled, "its spelling changes")
        other = spell_recipient(provider, case.another)
        demand(other not in spelled, "two recipients are spelled alike")
        for typed in (*ODD, *case.no_recipients):
            try:
                taken = provider.recipient(typed)
            except ValueError as fault:
                told = len(typed) > 1 and typed in str(fault)
                demand(not told, "a refusal repeats what was sent")
            else:
                demand(typed in ODD and taken, f"{typed!r} is taken for a recipient")


async def delivers_once(case: CodeConformance, _: Watch) -> None:
    """The text goes out once, to the recipient, and its code lets her in, once."""
    async with case.house() as house:
        to, name = case.one_recipient[0], case.place_name
        await house.app.login.begin_code(name, to, NOBODY, use_html=False)
        sent = [str(form) for _, form in house.place.posted]
        demand(len(sent) == 1, f"{len(sent)} requests were made for one code")
        code = _code(sent)
        pair = await house.app.login.complete_code(name, to, code, NOBODY, bearer=None)
        again = house.app.login.complete_code(name, to, code, NOBODY, bearer=None)
        demand(await refused(again, "INVALID_CODE"), "a code is good twice")
        user = await house.app.users.user(user_of(pair))
        spelled = spell_recipient(case.provider_in(house), to)
        subjects = [one.subject for one in user.identities] if user else []
        demand(subjects == [spelled], f"the identity's subject is {subjects}")


async def is_clean_beside_a_fault(case: CodeConformance, _: Watch, fault: Fault) -> None:
    """Where the channel fails that is one clean error, and the next code leaves."""
    async with case.house() as house:
        login, to = house.app.login, case.one_recipient[0]
        house.place.faults = dict.fromkeys(case.accepts(), fault)
        act = login.begin_code(case.place_name, to, NOBODY, use_html=False)
        said_no = await refused(act, "PROVIDER_UNAVAILABLE")
        demand(said_no, f"the channel gave {fault.value}, and the code counts as sent")
        house.place.faults = {}
        await login.begin_code(case.place_name, to, NOBODY, use_html=False)
        demand(house.place.posted, "no code leaves after a fault")


async def writes_no_secret(case: CodeConformance, watch: Watch) -> None:
    """Neither codes nor recipients nor keys are written out."""
    async with case.house() as house:
        to = case.one_recipient[0]
        await house.app.login.begin_code(case.place_name, to, NOBODY, use_html=False)
        spelled = spell_recipient(case.provider_in(house), to)
        code = _code([str(form) for _, form in house.place.posted])
        house.place.faults = dict.fromkeys(case.accepts(), Fault.error)
        await refused(
            house.app.login.begin_code(case.place_name, case.another, NOBODY, use_html=False),
            "PROVIDER_UNAVAILABLE",
        )
        keys = {str(value) for name, value in case.settings.items() if _is_secret(name)}
    demand(not watch.saw({code, spelled, to, *keys}), "a code, recipient or key was written out")


async def reaches_its_hosts_alone(case: CodeConformance, watch: Watch) -> None:
    """Only declared hosts are reached, and only by the upstream."""
    async with case.house() as house:
        hosts = case.provider_in(house).hosts
        demand(hosts and not any("*" in host for host in hosts), "hosts are named one by one")
        to = case.one_recipient[0]
        await house.app.login.begin_code(case.place_name, to, NOBODY, use_html=False)
    demand(not watch.reached, f"reached the network past its upstream: {watch.reached}")


async def comes_back_in_time(case: CodeConformance, watch: Watch) -> None:
    """It comes back in time, and holds nobody up."""
    async with case.house() as house:
        provider = case.provider_in(house)
    network = open_network(case.place.transport())
    try:
        upstream = network.upstream(provider.hosts)
        to = spell_recipient(provider, case.one_recipient[0])
        for fault in (None, *Fault):
            case.place.faults = dict.fromkeys(case.accepts(), fault) if fault else {}
            try:
                await bounded(provider.send(upstream, to, "123456 is your code."), SOON)
            except TimeoutError:
                demand(False, f"send took over {SOON:g} s beside {fault and fault.value}")  # noqa: FBT003 - it is broken
            except (IdentraError, ValueError, TypeError, LookupError):
                pass
            watch.demand_free()
    finally:
        await network.close()


class CodeConformance(Conformance):
    """Give spellings of recipients, and what the gateway answers at each URL."""

    one_recipient: ClassVar[tuple[str, ...]]
    """Ways in which people type one and the same recipient."""
    another: ClassVar[str]
    """Somebody else."""
    no_recipients: ClassVar[tuple[str, ...]] = ()
    """What people type that is none."""
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule("starts", starts),
        Rule("one_spelling", spells_once),
        Rule("one_delivery", delivers_once),
        *(
            Rule(f"upstream_{one.name}", partial(is_clean_beside_a_fault, fault=one))
            for one in Fault
        ),
        Rule("no_secret_in_logs", writes_no_secret),
        Rule("declared_hosts_alone", reaches_its_hosts_alone),
        Rule("in_time", comes_back_in_time),
    )

    place: Place  # no __init__: pytest collects no class that has one

    def accepts(self) -> Mapping[str, Any]:
        """The JSON that the gateway answers to a POST, by URL."""
        raise NotImplementedError

    @asynccontextmanager
    async def house(self) -> AsyncIterator[House]:
        """A house with the plugin and its gateway, both new."""
        self.place = Place(accepts=self.accepts())
        settings = {"providers": {self.place_name: dict(self.settings)}}
        async with open_house(self.module, self.name, self.place, settings) as house:
            yield house

    def provider_in(self, house: House) -> CodeProvider:
        """The provider, opened."""
        return house.app.providers.code(self.place_name)


def _code(sent: list[str]) -> str:
    found = re.search(r"\b\d{6}\b", " ".join(sent))
    demand(found, "the text that was handed over did not leave whole")
    return found[0] if found else ""


def _is_secret(name: str) -> bool:
    return any(word in name for word in ("key", "secret", "token", "password"))
