"""The kit for plugin authors passes what is right, and fails a twin for every rule it breaks."""
# ruff: noqa: ARG002, ASYNC210, ASYNC251, SIM105, T201 - twins do what no plugin should

from __future__ import annotations

import asyncio
import logging
import re
import sys
import time
import urllib.request
from itertools import takewhile
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from breaking import broken, meddling, of
from plugged import AN_HOUR, plugin

from identra.challenges import Challenges
from identra.errors import IdentraError
from identra.plugin import (
    Address,
    CodeProvider,
    EmailTrust,
    HookSettings,
    OAuth2Provider,
    ProviderSettings,
    SecretProvider,
    Upstream,
    UserInfo,
)
from identra.providers.redirecting import SAMPLES
from identra.testing import (
    Broken,
    CodeConformance,
    HooksConformance,
    OAuth2Conformance,
    Person,
    Place,
    SecretConformance,
)
from identra.values import Peer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import ModuleType

ME = "https://api.acme.example/me"
SEND = "https://sms.acme.example/messages"
KEY = "a key of the gateway that nobody is to see"


class Acme(OAuth2Provider):
    name, contract = "acme", 1
    email_trust = EmailTrust.per_address
    authorize_url, token_url = "https://acme.example/authorize", "https://acme.example/token"
    hosts: tuple[str, ...] = ("acme.example", "api.acme.example")

    async def userinfo(self, upstream: Upstream, token: str) -> UserInfo:
        return self.read(await upstream.get_json(ME, bearer=token))

    def read(self, me: dict[str, Any]) -> UserInfo:
        return UserInfo(self.subject(me), me["name"], addresses=self.addresses(me))

    def subject(self, me: dict[str, Any]) -> Any:
        return me["id"]

    def addresses(self, me: dict[str, Any]) -> tuple[Address, ...]:
        if me["email"] is None:
            return ()
        return (Address(me["email"], verified=me["verified"], primary=True),)


class AcmeRules(OAuth2Conformance):
    name, plugin = "acme", "acme_under_test"

    def replies(self, person: Person) -> Mapping[str, Any]:
        told = {"id": person.subject, "name": person.name, "email": person.email}
        return {ME: told | {"verified": person.verified}}


class SmsSettings(ProviderSettings):
    api_key: str = ""


class Sms(CodeProvider):
    name, contract = "sms", 1
    email_trust = EmailTrust.never
    settings_model = SmsSettings
    settings: SmsSettings
    hosts: tuple[str, ...] = ("sms.acme.example",)

    def recipient(self, to: str) -> str:
        spelled = re.sub(r"[ ()./-]", "", to)
        if not re.fullmatch(r"\+[1-9][0-9]{7,14}", spelled):
            raise ValueError("is a number with its country")
        return spelled

    async def send(self, upstream: Upstream, to: str, text: str) -> None:
        await upstream.post_form(SEND, {"to": to, "text": text}, bearer=self.settings.api_key)


class SmsRules(CodeConformance):
    name, plugin = "sms", "sms_under_test"
    settings: ClassVar = {"api_key": KEY}
    one_recipient = ("+49 170 1234567", "+49 (170) 123-4567")
    another = "+49 170 7654321"
    no_recipients = ("110", "ada@example.com")

    def accepts(self) -> Mapping[str, Any]:
        return {SEND: {"id": 7}}


class Phrase(SecretProvider):
    name, contract = "phrase", 1
    email_trust = EmailTrust.never

    def objection(self, secret: str, email: str) -> str | None:
        del email
        return None if len(secret.split()) > 3 else "has at least four words"


class PhraseRules(SecretConformance):
    name, plugin = "phrase", "phrase_under_test"
    refused = ("three words only",)


class Section(HookSettings):
    hosts = ("api.acme.example",)
    api_key: str


async def admit(arrival: Any) -> str | None:
    return "Not from there." if arrival.network == "198.51.100.1" else None


async def claims(holder: Any, aid: Any) -> dict[str, Any]:
    told = await aid.upstream.get_json(ME, bearer=aid.settings.api_key)
    return {"acme_plan": told["plan"], "acme_user": holder.user_id}


async def check_password(choice: Any) -> str | None:
    return "is too long" if len(choice.secret) > 100 else None


async def send_message(delivery: Any) -> bool:
    return bool(delivery.kind == "pigeon")


async def observe(fact: Any) -> None:
    del fact


def section() -> type[HookSettings]:
    return Section


HOOKS = (admit, claims, check_password, send_message, observe)


class HooksRules(HooksConformance):
    name, plugin = "acme", "hooks_under_test"
    settings: ClassVar = {"api_key": KEY}

    def replies(self) -> Mapping[str, Any]:
        return {ME: {"plan": "gold"}}


@pytest.fixture(autouse=True)
def _put_back(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in (AcmeRules.plugin, SmsRules.plugin, PhraseRules.plugin, HooksRules.plugin):
        monkeypatch.setitem(sys.modules, name, plugin("none"))
    yield
    logging.getLogger().setLevel(logging.WARNING)


def test_a_right_oauth2_place_keeps_every_rule() -> None:
    assert broken(AcmeRules, of(Acme)) == {}


def test_a_right_channel_keeps_every_rule() -> None:
    assert broken(SmsRules, of(Sms)) == {}


def test_a_right_kind_of_secret_keeps_every_rule() -> None:
    assert broken(PhraseRules, of(Phrase)) == {}


def test_right_hooks_keep_every_rule() -> None:
    assert broken(HooksRules, plugin("hooks", *HOOKS, section)) == {}


# Twins of Acme, each with one mistake.


class NoTrust(Acme):
    email_trust = None  # type: ignore[assignment]


class OwnState(Acme):
    authorize_url = "https://acme.example/authorize?state=always"


class ByName(Acme):
    def subject(self, me: dict[str, Any]) -> str:
        return f"id-{me['name']}"


class ByEmail(Acme):
    def subject(self, me: dict[str, Any]) -> str:
        return f"id-{me['email']}"


class Remembers(Acme):
    kept: dict[str, Any] | None = None

    def read(self, me: dict[str, Any]) -> UserInfo:
        self.kept = self.kept or me
        return super().read(self.kept)


class MakesUp(Acme):
    def addresses(self, me: dict[str, Any]) -> tuple[Address, ...]:
        told = me["email"] or f"{me['name']}@acme.example"
        return (Address(told, verified=True, primary=True),)


class Trusting(Acme):
    def addresses(self, me: dict[str, Any]) -> tuple[Address, ...]:
        told = me["email"]
        return (Address(told, verified=True, primary=True),) if told else ()


class Anybody(Acme):
    def subject(self, me: dict[str, Any]) -> str:
        return str(me["id"] or "anonymous")


class Floating(Acme):
    def subject(self, me: dict[str, Any]) -> str:
        told = me["id"]
        return told if isinstance(told, str) else str(float(told))


class Recalling(Acme):
    """Once the place has verified an address, it is good for whoever has it."""

    def __init__(self, settings: Any) -> None:
        super().__init__(settings)
        self.verified: set[str] = set()

    def addresses(self, me: dict[str, Any]) -> tuple[Address, ...]:
        if me["verified"]:
            self.verified.add(me["email"])
        return super().addresses({**me, "verified": me["email"] in self.verified})


class Folding(Acme):
    def subject(self, me: dict[str, Any]) -> str:
        return str(me["id"]).lower()


class AnothersAddress(Acme):
    def addresses(self, me: dict[str, Any]) -> tuple[Address, ...]:
        return (Address(f"{me['name']}@acme.example", verified=me["verified"], primary=True),)


class Cutting(Acme):
    def subject(self, me: dict[str, Any]) -> str:
        return str(me["id"])[:100]


class Swallowing(Acme):
    async def userinfo(self, upstream: Upstream, token: str) -> UserInfo:
        try:
            return await super().userinfo(upstream, token)
        except IdentraError:
            return UserInfo("guest")


class Talking(Acme):
    async def userinfo(self, upstream: Upstream, token: str) -> UserInfo:
        logging.getLogger("acme").warning("asking with %s", token)
        return await super().userinfo(upstream, token)


class Printing(Acme):
    async def userinfo(self, upstream: Upstream, token: str) -> UserInfo:
        print(self.settings.client_secret.get_secret_value())
        return await super().userinfo(upstream, token)


class Wandering(Acme):
    async def userinfo(self, upstream: Upstream, token: str) -> UserInfo:
        try:
            urllib.request.urlopen("https://tracker.example/")
        except OSError:
            pass
        return await super().userinfo(upstream, token)


class Undeclared(Acme):
    hosts = ("acme.example",)


class Waiting(Acme):
    async def userinfo(self, upstream: Upstream, token: str) -> UserInfo:
        await asyncio.sleep(AN_HOUR)
        return await super().userinfo(upstream, token)


class Retrying(Acme):
    async def userinfo(self, upstream: Upstream, token: str) -> UserInfo:
        while True:
            try:
                return await super().userinfo(upstream, token)
            except IdentraError:
                await asyncio.sleep(0.1)


class Blocking(Acme):
    async def userinfo(self, upstream: Upstream, token: str) -> UserInfo:
        time.sleep(1.2)
        return await super().userinfo(upstream, token)


TWINS = [
    ("starts", NoTrust),
    ("state_and_pkce_are_sent", OwnState),
    ("a_person_is_let_in", ByName),
    ("people_are_kept_apart", Remembers),
    ("a_missing_email", MakesUp),
    ("a_verified_email", AnothersAddress),
    ("an_unverified_email", Trusting),
    ("an_unverified_email", Recalling),
    ("a_changed_email", ByEmail),
    ("a_changed_name", ByName),
    ("a_shared_name", ByName),
    ("an_empty_subject", Anybody),
    ("a_numeric_subject", Floating),
    ("a_subject_in_capitals", Folding),
    ("a_huge_subject", Cutting),
    ("upstream_error", Swallowing),
    ("upstream_html", Swallowing),
    ("upstream_slow", Swallowing),
    ("upstream_redirect", Swallowing),
    ("no_secret_in_logs", Talking),
    ("no_secret_in_logs", Printing),
    ("declared_hosts_alone", Wandering),
    ("declared_hosts_alone", Undeclared),
    ("in_time", Waiting),
    ("in_time", Retrying),
    ("in_time", Blocking),
]
OF_THE_CORE = {
    *("a_foreign_state", "a_replayed_state", "a_replayed_code"),
    "an_answer_of_another_issuer",
}
"""What a provider could break only by meddling with the core."""


@pytest.mark.parametrize(("rule", "twin"), TWINS)
def test_the_kit_fails_a_twin_that_breaks_the_rule(rule: str, twin: type[Acme]) -> None:
    assert set(broken(AcmeRules, of(twin), rule)) == {rule}


def test_of_several_providers_the_one_that_is_named_is_looked_at() -> None:
    class Second(ByName):
        name = "second"

    named: Any = type("SecondRules", (AcmeRules,), {"provider": "second"})
    assert broken(named, of(Acme, Second), "a_changed_name")
    assert not broken(AcmeRules, of(Second, Acme), "a_changed_name")


def test_the_kits_client_secret_is_never_taken_for_a_published_sample() -> None:
    """Whatever is drawn: a rule that fails once in ten thousand runs is worse than none."""
    drawn = zip(Place().secret, Place().secret, strict=True)
    always = "".join(one for one, other in takewhile(lambda pair: pair[0] == pair[1], drawn))
    assert always
    assert not any(always.startswith(one) or one.startswith(always) for one in SAMPLES)


def test_every_rule_for_oauth2_places_has_its_twin() -> None:
    assert {rule for rule, _ in TWINS} | OF_THE_CORE == {rule.name for rule in AcmeRules.rules}


def test_the_kit_fails_a_plugin_that_makes_states_good_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    right, kept = Challenges.close, {}

    async def close(self: Challenges, state: str) -> Any:
        if state not in kept:
            kept[state] = await right(self, state)
        return kept[state]

    async def mark_spent(_self: Challenges, _answered: Any) -> None:
        pass

    monkeypatch.setattr(Challenges, "mark_spent", mark_spent)
    twin = meddling(monkeypatch, Acme, {"identra.challenges.Challenges.close": close})
    seen = broken(AcmeRules, of(twin), "a_replayed_state")
    assert "PROVIDER_REFUSED, not INVALID_STATE" in str(seen["a_replayed_state"])


def test_the_kit_fails_a_plugin_that_takes_any_state(monkeypatch: pytest.MonkeyPatch) -> None:
    right = Challenges.close
    given: list[str] = []
    opening = Challenges.open

    async def open_(self: Challenges, *arguments: Any, **named: Any) -> Any:
        opened = await opening(self, *arguments, **named)
        given.append(opened.state)
        return opened

    async def close(self: Challenges, _state: str) -> Any:
        return await right(self, given[-1])

    monkeypatch.setattr(Challenges, "open", open_)
    twin = meddling(monkeypatch, Acme, {"identra.challenges.Challenges.close": close})
    seen = broken(AcmeRules, of(twin), "a_foreign_state")
    assert seen == {"a_foreign_state": "a state that was never given out is taken"}


def test_the_kit_fails_a_plugin_that_does_not_trade_the_code(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def exchange(*_: Any, **__: Any) -> UserInfo:
        return UserInfo("u-1")

    twin = meddling(monkeypatch, Acme, {"identra.providers.oauth2.exchange": exchange})
    seen = broken(AcmeRules, of(twin), "a_replayed_code")
    assert "spent at the place let somebody in" in str(seen["a_replayed_code"])


def test_the_kit_fails_a_plugin_that_hears_another_issuers_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    changed = {"identra.providers.oauth2.OAuth2Place.sent": lambda *_: True}
    rule = "an_answer_of_another_issuer"
    seen = broken(AcmeRules, of(meddling(monkeypatch, Acme, changed)), rule)
    assert seen == {rule: "an answer of another issuer is taken"}


# Twins of the channel, the kind of secret and the hooks.


class ManySpellings(Sms):
    def recipient(self, to: str) -> str:
        super().recipient(to)
        return to


class Repeating(Sms):
    def recipient(self, to: str) -> str:
        try:
            return super().recipient(to)
        except ValueError:
            raise ValueError(f"{to} is no number") from None


class Twice(Sms):
    async def send(self, upstream: Upstream, to: str, text: str) -> None:
        await super().send(upstream, to, text)
        await super().send(upstream, to, text)


class Hopeful(Sms):
    async def send(self, upstream: Upstream, to: str, text: str) -> None:
        try:
            await super().send(upstream, to, text)
        except IdentraError:
            return


class Chatty(Sms):
    async def send(self, upstream: Upstream, to: str, text: str) -> None:
        print(text)
        await super().send(upstream, to, text)


class Elsewhere(Sms):
    hosts = ("sms.acme.example", "*.acme.example")


class Patient(Sms):
    async def send(self, upstream: Upstream, to: str, text: str) -> None:
        await asyncio.sleep(AN_HOUR)


class Lacking(Sms):
    def missing(self) -> str | None:
        return "missing_something"


CHANNELS = [
    ("starts", Lacking),
    ("one_spelling", ManySpellings),
    ("one_spelling", Repeating),
    ("one_delivery", Twice),
    *((f"upstream_{fault}", Hopeful) for fault in ("error", "html", "slow", "redirect")),
    ("no_secret_in_logs", Chatty),
    ("declared_hosts_alone", Elsewhere),
    ("in_time", Patient),
]


@pytest.mark.parametrize(("rule", "twin"), CHANNELS)
def test_the_kit_fails_a_channel_that_breaks_the_rule(rule: str, twin: type[Sms]) -> None:
    assert set(broken(SmsRules, of(twin), rule)) == {rule}


def test_every_rule_for_channels_has_its_twin() -> None:
    assert {rule for rule, _ in CHANNELS} == {rule.name for rule in SmsRules.rules}


class Quoting(Phrase):
    def objection(self, secret: str, email: str) -> str | None:
        return super().objection(secret, email) and f"{secret} is no phrase"


class Never(Phrase):
    def objection(self, secret: str, email: str) -> str | None:
        del email
        return "no"


class Noting(Phrase):
    def objection(self, secret: str, email: str) -> str | None:
        logging.getLogger().info(secret)
        return super().objection(secret, email)


class Slow(Phrase):
    def objection(self, secret: str, email: str) -> str | None:
        time.sleep(1.2)
        return super().objection(secret, email)


PHRASES = [
    ("an_acceptable_secret", Never),
    ("objections", Quoting),
    ("no_secret_in_logs", Noting),
    ("in_time", Slow),
]


@pytest.mark.parametrize(("rule", "twin"), PHRASES)
def test_the_kit_fails_a_kind_of_secret_that_breaks_the_rule(rule: str, twin: type[Any]) -> None:
    assert set(broken(PhraseRules, of(twin), rule)) == {rule}


def test_every_rule_for_secrets_has_its_twin() -> None:
    assert {rule for rule, _ in PHRASES} == {rule.name for rule in PhraseRules.rules}


def hooks_but(*others: Callable[..., Any]) -> ModuleType:
    kept = {hook.__name__: hook for hook in (*HOOKS, section, *others)}
    return plugin("hooks", *kept.values())


def bad(name: str, act: Callable[[], Any]) -> Callable[..., Any]:
    async def hook(aid: Any) -> Any:
        del aid
        said = act()
        return await said if asyncio.iscoroutine(said) else said

    hook.__name__ = name
    return hook


HOOK_TWINS = [
    ("answers", bad("admit", lambda: True)),
    ("answers", bad("claims", lambda: {"sub": "eve"})),
    ("answers", bad("check_password", lambda: "correct horse battery staple is known")),
    ("answers", bad("send_message", lambda: "yes")),
    ("answers", bad("observe", lambda: 1)),
    ("clean_beside_faults", bad("admit", lambda: asyncio.sleep(AN_HOUR))),
    ("clean_beside_faults", bad("admit", lambda: time.sleep(1.2))),
    ("no_secret_in_logs", bad("admit", lambda: sys.stdout.write(KEY))),
]


@pytest.mark.parametrize(("rule", "twin"), HOOK_TWINS)
def test_the_kit_fails_hooks_that_break_the_rule(rule: str, twin: Callable[..., Any]) -> None:
    assert set(broken(HooksRules, hooks_but(twin), rule)) == {rule}


def test_every_rule_for_hooks_has_its_twin() -> None:
    assert {rule for rule, _ in HOOK_TWINS} == {rule.name for rule in HooksRules.rules}


def test_pytest_finds_every_rule_as_a_test() -> None:
    for rules in (AcmeRules, SmsRules, PhraseRules, HooksRules):
        assert {name for name in dir(rules) if name.startswith("test_")} == {
            f"test_{rule.name}" for rule in rules.rules
        }
    sys.modules[AcmeRules.plugin] = of(ByName)
    with pytest.raises(Broken, match="another name made another of one person"):
        AcmeRules().test_a_changed_name()  # type: ignore[attr-defined]


def test_the_network_is_closed_to_a_plugin_only_while_a_rule_is_run() -> None:
    assert Peer().address is None
    assert broken(AcmeRules, of(Wandering), "a_person_is_let_in")
