"""The kit for OpenID Connect places passes what is right, and fails a twin for every rule."""
# ruff: noqa: SIM105, T201 - twins do what no plugin should

from __future__ import annotations

import base64
import json
import sys
import time
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest
from breaking import broken, meddling, of
from plugged import plugin

from identra.errors import IdentraError
from identra.plugin import Address, EmailTrust, OIDCProvider, ProviderRefused, UserInfo
from identra.providers import discovery, idtoken, oidc
from identra.providers.idtoken import Unverified
from identra.providers.oidc import OIDCWay
from identra.testing import OIDCConformance, Person

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


ISSUER = "https://id.acme.example"


class AcmeId(OIDCProvider):
    name, contract = "acme_id", 1
    email_trust = EmailTrust.claim
    issuer = ISSUER


class AcmeIdRules(OIDCConformance):
    name, plugin = "acme_id", "acme_id_under_test"

    def claims(self, person: Person) -> Mapping[str, Any]:
        return {"sub": person.subject, "name": person.name}

    def userinfo(self, person: Person) -> Mapping[str, Any]:
        return {"email": person.email, "email_verified": person.verified}


@pytest.fixture(autouse=True)
def _put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, AcmeIdRules.plugin, plugin("none"))


def test_a_right_place_keeps_every_rule() -> None:
    assert broken(AcmeIdRules, of(AcmeId)) == {}


class Tenants(OIDCProvider):
    """One of many tenants, whose keys and endpoints are elsewhere, and that mints its secret."""

    name, contract = "tenants", 1
    email_trust = EmailTrust.never
    issuer = "https://login.acme.example/{tenantid}/v2.0"
    discovery_url = "https://login.acme.example/organizations/v2.0/.well-known/openid-configuration"
    hosts = ("keys.acme.example",)
    asks_userinfo = False

    def client_secret(self, now: int) -> str:
        return f"minted at {now}"


class TenantsRules(AcmeIdRules):
    name = "tenants"

    def claims(self, person: Person) -> Mapping[str, Any]:
        tenant = "00000000-1111-2222-3333-444444444444"
        told = {"email": person.email, "email_verified": person.verified}
        return {"sub": person.subject, "tid": tenant, **told}

    def discovery(self) -> Mapping[str, Any]:
        return {"jwks_uri": "https://keys.acme.example/keys"}


def test_a_place_of_many_tenants_with_hosts_of_its_own_keeps_the_rules_that_it_may_differ_in() -> (
    None
):
    names = ("a_person_is_let_in", "a_token_of_another_issuer", "a_promised_issuer", "in_time")
    others = ("another_userinfo", "declared_hosts_alone", "no_secret_in_logs", "a_rotated_key")
    assert broken(TenantsRules, of(Tenants), *names, *others) == {}


# Twins of Acme ID, each with one mistake.


class NoTrust(AcmeId):
    email_trust = None  # type: ignore[assignment]


class Asking(AcmeId):
    def read(self, claims: dict[str, Any]) -> UserInfo:
        return UserInfo(claims["sub"], claims["handle"])


class Remembers(AcmeId):
    kept: dict[str, Any] | None = None

    def read(self, claims: dict[str, Any]) -> UserInfo:
        self.kept = self.kept or claims
        return super().read(self.kept)


class MakesUp(AcmeId):
    def read(self, claims: dict[str, Any]) -> UserInfo:
        told = claims.get("email") or f"{claims['name']}@acme.example"
        return UserInfo(claims["sub"], addresses=(Address(told, verified=True, primary=True),))


class AnothersAddress(AcmeId):
    def read(self, claims: dict[str, Any]) -> UserInfo:
        return super().read({**claims, "email": f"{claims['name']}@acme.example"})


class Demanding(AcmeId):
    def read(self, claims: dict[str, Any]) -> UserInfo:
        return UserInfo(claims["sub"], addresses=(Address(claims["email"]),))


class Vouching(AcmeId):
    def read(self, claims: dict[str, Any]) -> UserInfo:
        return super().read({**claims, "email_verified": self.vouched(claims)})

    def vouched(self, claims: dict[str, Any]) -> bool:
        del claims
        return True


class Truthy(Vouching):
    def vouched(self, claims: dict[str, Any]) -> bool:
        return bool(claims.get("email_verified"))


class UnlessToldNot(Vouching):
    def vouched(self, claims: dict[str, Any]) -> bool:
        return claims.get("email_verified", True) is True


class Pinning(AcmeId):
    pinned = "email"
    kept: Any = None

    def read(self, claims: dict[str, Any]) -> UserInfo:
        self.kept = self.kept or claims[self.pinned]
        if claims[self.pinned] != self.kept:
            raise ProviderRefused("somebody else")
        return super().read(claims)


class PinningNames(Pinning):
    pinned = "name"


class Printing(AcmeId):
    def read(self, claims: dict[str, Any]) -> UserInfo:
        print(self.settings.client_secret.get_secret_value())
        return super().read(claims)


class Wandering(AcmeId):
    def read(self, claims: dict[str, Any]) -> UserInfo:
        try:
            urllib.request.urlopen("https://tracker.example/")
        except OSError:
            pass
        return super().read(claims)


class Wide(AcmeId):
    hosts = ("*.acme.example",)


class Blocking(AcmeId):
    def read(self, claims: dict[str, Any]) -> UserInfo:
        time.sleep(1.2)
        return super().read(claims)


TWINS = [
    ("starts", NoTrust, "email_trust is not declared"),
    ("a_person_is_let_in", Asking, "acme_id: read: KeyError"),
    ("people_are_kept_apart", Remembers, "two people became one user"),
    ("a_missing_email", MakesUp, "the place told no address"),
    ("a_missing_email", Demanding, "without an address nobody comes in"),
    ("a_verified_email", AnothersAddress, "the place verified ada@example.com, and 'ada@acme"),
    ("an_unverified_email", Vouching, "opened its owner's account"),
    ("an_unsaid_verification", Truthy, "email_verified says 'false'"),
    ("an_unsaid_verification", UnlessToldNot, "email_verified is missing"),
    ("a_changed_email", Pinning, "PROVIDER_REFUSED: somebody else"),
    ("a_changed_name", PinningNames, "PROVIDER_REFUSED: somebody else"),
    ("a_shared_name", MakesUp, "two of one name became one user"),
    ("no_secret_in_logs", Printing, "was written out"),
    ("declared_hosts_alone", Wandering, "past its upstream"),
    ("declared_hosts_alone", Wide, "named one by one"),
    ("in_time", Blocking, "held everybody up"),
]


@pytest.mark.parametrize(("rule", "twin", "says"), TWINS)
def test_the_kit_fails_a_twin_that_breaks_the_rule(
    rule: str, twin: type[AcmeId], says: str
) -> None:
    assert says in str(broken(AcmeIdRules, of(twin), rule)[rule])


# Twins that break what only the core does: they meddle with it.


class Lenient(AcmeId):
    def read(self, claims: dict[str, Any]) -> UserInfo:
        del claims
        return UserInfo("whoever")


def forgiving(cause: str) -> dict[str, Any]:
    """An id_token is not refused for this cause."""
    right = idtoken._demand

    def demand(holds: object, said: str) -> None:
        if said != cause:
            right(holds, said)

    return {"identra.providers.idtoken._demand": demand}


def taking_for_a_subject(spell: Callable[[Any], str]) -> dict[str, Any]:
    def subject(claims: dict[str, Any]) -> str:
        return spell(claims.get("sub"))

    return {"identra.providers.idtoken.demand_subject": subject}


def leaving_with(before: str, after: str) -> dict[str, Any]:
    right = oidc.departure

    def departure(*arguments: Any, **named: Any) -> str:
        told = right(*arguments, **named | ({"nonce": after} if before == "nonce" else {}))
        return told.replace(f"{before}=", f"{after}=") if before != "nonce" else told

    return {"identra.providers.oidc.departure": departure}


def believing_anything() -> dict[str, Any]:
    def read(token: str) -> Unverified:
        body = token.split(".")[1]
        return Unverified(token, "ES256", None, json.loads(base64.urlsafe_b64decode(f"{body}==")))

    return {
        "identra.providers.idtoken.read": read,
        "identra.providers.idtoken.verify": lambda read, _key, _expected: read.claims,
        "identra.providers.discovery.find_key": lambda _keys, _read: object(),
    }


def swallowing() -> dict[str, Any]:
    right = OIDCWay.arrive

    async def arrive(self: OIDCWay, *trip: Any) -> UserInfo:
        try:
            return await right(self, *trip)
        except IdentraError:
            return UserInfo("guest")

    return {"identra.providers.oidc.OIDCWay.arrive": arrive}


def trading_nothing() -> dict[str, Any]:
    async def arrive(*_: Any) -> UserInfo:
        return UserInfo("u-1")

    return {"identra.providers.oidc.OIDCWay.arrive": arrive}


def hearing_anybody() -> dict[str, Any]:
    return {"identra.providers.oidc.OIDCWay.sent": lambda *_: True}


def discovering_anything() -> dict[str, Any]:
    right = discovery.read_metadata

    def read(answer: dict[str, Any], issuer: str, hosts: tuple[str, ...]) -> Any:
        return right({**answer, "issuer": issuer}, issuer, hosts)

    return {"identra.providers.discovery.read_metadata": read}


def merging_anybody() -> dict[str, Any]:
    return {"identra.providers.oidc.merge": lambda claims, told: {**told, **claims}}


def reading_keys_again_after(seconds: int) -> dict[str, Any]:
    return {"identra.providers.discovery.KEYS_REST": seconds}


MEDDLERS: list[tuple[str, dict[str, Any], str]] = [
    ("state_and_pkce_are_sent", leaving_with("state", "stage"), "state is None"),
    ("state_and_pkce_are_sent", leaving_with("code_challenge", "x"), "no code_challenge"),
    ("a_nonce_is_sent", leaving_with("nonce", "always"), "two sign-ins have one nonce"),
    ("a_replayed_code", trading_nothing(), "spent at the place let somebody in"),
    ("an_answer_of_another_issuer", hearing_anybody(), "of another issuer is taken"),
    ("a_promised_issuer", hearing_anybody(), "without its iss is taken"),
    ("an_empty_subject", taking_for_a_subject(lambda sub: str(sub or "who")), "somebody came in"),
    ("a_numeric_subject", taking_for_a_subject(lambda sub: str(float(sub))), "became one user"),
    ("a_subject_in_capitals", taking_for_a_subject(lambda sub: str(sub).lower()), "became one"),
    ("a_huge_subject", taking_for_a_subject(lambda sub: str(sub)[:100]), "became one user"),
    *((f"upstream_{one}", swallowing(), "gave") for one in ("error", "html", "slow", "redirect")),
    ("a_missing_nonce", forgiving("another nonce, or none"), "has no nonce"),
    ("a_wrong_nonce", forgiving("another nonce, or none"), "has another nonce"),
    ("a_replayed_nonce", forgiving("another nonce, or none"), "given to another attempt"),
    ("a_token_of_another_issuer", forgiving("another issuer"), "is another issuer's"),
    ("a_discovery_of_another_issuer", discovering_anything(), "names another's issuer"),
    ("another_audience", forgiving("for another audience"), "is for another audience"),
    ("another_azp", forgiving("another azp, or none"), "given to another application"),
    ("no_algorithm", believing_anything(), "nobody signed the token"),
    ("a_public_key_as_secret", believing_anything(), "signed with a public key"),
    ("another_signature", believing_anything(), "another key signed the token"),
    ("an_unknown_key", believing_anything(), "the token's key is unknown"),
    ("an_unknown_key", reading_keys_again_after(0), "the keys were read 4 times"),
    ("a_rotated_key", reading_keys_again_after(1_000_000), "id_token: an unknown key"),
    ("an_expired_token", forgiving("expired"), "is over by"),
    ("an_expired_token", {"identra.providers.idtoken.SKEW": 0}, "was over for half"),
    ("a_future_token", forgiving("issued in the future"), "is of the future by"),
    ("another_userinfo", merging_anybody(), "userinfo speaks of somebody else"),
]


@pytest.mark.parametrize(("rule", "changed", "says"), MEDDLERS)
def test_the_kit_fails_a_plugin_that_meddles(
    monkeypatch: pytest.MonkeyPatch, rule: str, changed: dict[str, Any], says: str
) -> None:
    right = Lenient if "identra.providers.idtoken.demand_subject" in changed else AcmeId
    twin = meddling(monkeypatch, right, changed)
    assert says in str(broken(AcmeIdRules, of(twin), rule)[rule])


ELSEWHERE = {"a_foreign_state", "a_replayed_state"}
"""Tried with OAuth 2.0 places: what gives out states and takes them is one for both."""


def test_every_rule_has_its_twin() -> None:
    tried = {rule for rule, *_ in (*TWINS, *MEDDLERS)} | ELSEWHERE
    assert tried == {rule.name for rule in AcmeIdRules.rules}
