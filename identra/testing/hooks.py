"""Conformance of run-time hooks."""

from __future__ import annotations

from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Final

from identra.asked import Arrival, Choice, Delivery, Fact, Holder
from identra.errors import PluginFailed
from identra.hooks import CARRYING, CHECKING, DECIDING, Bound, bind, readable
from identra.observers import OBSERVING
from identra.testing.case import Conformance, Rule, demand
from identra.testing.house import House, open_house
from identra.testing.place import Fault, Place
from identra.upstream import open_network

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from identra.testing.watching import Watch

SECRET: Final = "correct horse battery staple"  # noqa: S105 - a sample that opens nothing
ADA: Final = "ada@example.com"
ASKED: Final[Mapping[str, tuple[float, tuple[dict[str, Any], ...]]]] = MappingProxyType(
    {
        "admit": (
            DECIDING,
            (
                {"arrival": Arrival("email", ("otp",), None, (ADA,), "192.0.2.1")},
                {"arrival": Arrival("github", (), "a user", (), "")},
            ),
        ),
        "claims": (DECIDING, ({"holder": Holder("a user", "a session", "email", ("otp",), 1)},)),
        "check_password": (CHECKING, ({"choice": Choice("password", ADA, SECRET)},)),
        "send_message": (
            CARRYING,
            ({"delivery": Delivery("notice", "email", ADA, "s", "text", "a user")},),
        ),
        "observe": (
            OBSERVING,
            ({"fact": Fact("user.created", 1, "a user")}, {"fact": Fact("key.activated", 1)}),
        ),
    }
)
"""Each hook's time in seconds, and what it is asked here."""


async def answers(case: HooksConformance, _: Watch) -> None:
    """Every hook answers in its time with what it may answer."""
    async for bound in case.bound(None):
        for answer in [answer async for answer in _ask(bound)]:
            _judge(bound, answer)


async def fails_cleanly(case: HooksConformance, watch: Watch) -> None:
    """Beside a place that fails it answers, or fails by itself, in its time; nobody is held up."""
    for fault in Fault:
        async for bound in case.bound(fault):
            try:
                [_ async for _ in _ask(bound)]
            except PluginFailed as failure:
                demand("time" not in failure.cause, f"{bound.hook.name} did not come back in time")
            watch.demand_free()


async def writes_no_secret(case: HooksConformance, watch: Watch) -> None:
    """No secret that it is told, or has, is written out."""
    async for bound in case.bound(None):
        [_ async for _ in _ask(bound)]
    keys = {str(value) for name, value in case.settings.items() if "key" in name or "sec" in name}
    demand(not watch.saw({SECRET, *keys}), "a secret was written out")


class HooksConformance(Conformance):
    """Give what the places answer that the hooks reach, by URL."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule("answers", answers),
        Rule("clean_beside_faults", fails_cleanly),
        Rule("no_secret_in_logs", writes_no_secret),
    )

    chosen: ClassVar[str] = SECRET
    """The secret that somebody chooses here."""

    @property
    def looks_at(self) -> str:
        """No provider."""
        return ""

    def replies(self) -> Mapping[str, Any]:
        """The JSON, or the very bytes, of each URL that a hook asks or posts to."""
        return {}

    @asynccontextmanager
    async def house(self) -> AsyncIterator[House]:
        """A house with the plugin."""
        settings = {"hooks": {self.name: dict(self.settings)}}
        async with open_house(self.module, self.name, Place(), settings) as house:
            yield house

    async def bound(self, fault: Fault | None) -> AsyncIterator[Bound]:
        """Every hook of the plugin beside places that are well, or not."""
        replies = self.replies()
        place = Place(replies=lambda _: replies, accepts=replies, open_to_all=True)
        place.faults = {url.partition("?")[0]: fault for url in replies} if fault else {}
        async with self.house() as house:
            network = open_network(place.transport())
            try:
                (plugin,) = (p for p in house.app.providers.plugins if p.name == self.name)
                upstreams = {self.name: network.upstream(plugin.settings.reaches)}
                names = sorted({hook.name for hook in plugin.hooks})
                demand(names, "the plugin has no hooks")
                for name in names:
                    for one in bind(house.app.providers, upstreams, name):
                        yield one
            finally:
                await network.close()


async def _ask(bound: Bound) -> AsyncIterator[object]:
    seconds, cases = ASKED[bound.hook.name]
    for told in cases:
        yield await bound.ask(seconds, **told)


def _judge(bound: Bound, answer: object) -> None:
    name = bound.hook.name
    if name == "claims":
        try:
            readable(bound, answer, {})
        except PluginFailed as failure:
            demand(False, failure.cause)  # noqa: FBT003 - it is broken
    elif name == "send_message":
        demand(answer is None or isinstance(answer, bool), f"{name} gave {type(answer).__name__}")
    elif name == "observe":
        demand(answer is None, f"{name} gave something")
    else:
        said = answer is None or (isinstance(answer, str) and answer.strip())
        demand(said, f"{name} gave {type(answer).__name__}, not a sentence or None")
        demand(SECRET not in str(answer), f"{name} repeats the secret")
