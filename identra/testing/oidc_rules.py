"""The rules for OpenID Connect places, on top of those for every place that people are sent to.

Most look at what the core does: no plugin can leave it out, but one that meddles with it can.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, urlsplit

from identra.providers.discovery import KEYS_REST
from identra.providers.idtoken import SKEW
from identra.roundtrip import Departure
from identra.secret import base64url, token
from identra.testing.case import Rule, demand
from identra.testing.house import NOBODY, House, refused, user_of
from identra.testing.oauth2_rules import ELSEWHERE, OTHER, VICTIM
from identra.testing.oauth2_rules import RULES as SHARED
from identra.testing.openid import VERIFIED, new_key, nonce_of, signed
from identra.testing.place import ABSENT, CLIENT_ID
from identra.testing.redirecting import NO
from identra.values import SECOND, EmailTrust

if TYPE_CHECKING:
    from jwcrypto.jwk import JWK

    from identra.testing.oidc import OIDCConformance
    from identra.testing.watching import Watch

UNSAID: Final[tuple[Any, ...]] = (False, "false", "False", "", 0, [], ABSENT)
"""What `email_verified` says where nothing is verified."""


async def sends_a_nonce(case: OIDCConformance, _: Watch) -> None:
    """A nonce of its own goes out with each sign-in, and the scope `openid`."""
    async with case.house() as house:
        urls = [
            (await house.app.login.begin_oauth(Departure(case.place_name), NOBODY, bearer=None)).url
            for _time in range(2)
        ]
    nonces = [nonce_of(url) for url in urls]
    demand(all(nonces), "there is no nonce")
    demand(nonces[0] != nonces[1], "two sign-ins have one nonce")
    scopes = dict(parse_qsl(urlsplit(urls[0]).query)).get("scope", "")
    demand("openid" in scopes.split(), "the scopes lack openid")


async def refuses_a_missing_nonce(case: OIDCConformance, _: Watch) -> None:
    """A token without a nonce is refused."""
    await _demand_refused(case, "has no nonce", *({"nonce": said} for said in (ABSENT, None, "")))


async def refuses_a_wrong_nonce(case: OIDCConformance, _: Watch) -> None:
    """A token with another nonce is refused."""
    await _demand_refused(case, "has another nonce", {"nonce": token()}, {"nonce": True})


async def refuses_a_replayed_nonce(case: OIDCConformance, _: Watch) -> None:
    """A token of another attempt is refused."""
    async with case.house() as house:
        await house.sign_in(case.place_name, case.somebody())
        (former,) = case.place.given
        case.place.sign = lambda _key, _claims: former
        await _demand_nobody(case, house, "the token was given to another attempt")


async def refuses_anothers_token(case: OIDCConformance, _: Watch) -> None:
    """A token of another issuer is refused."""
    said = ({"iss": one} for one in (ELSEWHERE, ABSENT, ""))
    await _demand_refused(case, "is another issuer's", *said)


async def refuses_anothers_discovery(case: OIDCConformance, _: Watch) -> None:
    """A discovery that names another issuer, or endpoints at other hosts, is none."""
    async with case.house() as house:
        await house.sign_in(case.place_name, case.somebody())
        endpoints = ("authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint")
        for name in ("issuer", *endpoints):
            case.let_it_grow_old()
            case.place.says = {name: f"{ELSEWHERE}/{name}"}
            await _demand_nobody(case, house, f"the discovery names another's {name}")
        demand(not any(ELSEWHERE in url for url in case.place.asked), "another place was asked")


async def demands_a_promised_issuer(case: OIDCConformance, _: Watch) -> None:
    """Where the discovery promises `iss` in the answer it must be there (RFC 9207)."""
    async with case.house() as house:
        case.place.says = {"authorization_response_iss_parameter_supported": True}
        code, state = await house.depart(case.place_name, case.somebody())
        act = house.come_back(code, state)
        demand(await refused(act, "INVALID_STATE"), "an answer without its iss is taken")
        demand(not case.place.given, "its code left")
        code, state = await house.depart(case.place_name, case.somebody())
        own = case.place.issuer_for(case.claims(case.somebody()))
        await house.come_back(code, state, own)


async def refuses_another_audience(case: OIDCConformance, _: Watch) -> None:
    """A token for another application is refused."""
    said: list[Any] = ["another", ABSENT, [], ["another"], [CLIENT_ID, "another"]]
    await _demand_refused(case, "is for another audience", *({"aud": one} for one in said))


async def refuses_another_azp(case: OIDCConformance, _: Watch) -> None:
    """A token that another application was given is refused."""
    both = [CLIENT_ID, "another"]
    said = ({"azp": "another"}, {"aud": both, "azp": "another"})
    await _demand_refused(case, "was given to another application", *said)


async def refuses_no_algorithm(case: OIDCConformance, _: Watch) -> None:
    """A token that nobody signed is refused."""
    await _demand_unsigned(case, "nobody signed the token", "none", lambda _key: None)


async def refuses_a_public_key_as_secret(case: OIDCConformance, _: Watch) -> None:
    """A token that is signed with the public key as if it were a secret is refused."""
    what = "the token is signed with a public key"
    await _demand_unsigned(case, what, "HS256", lambda key: key.export_to_pem())
    await _demand_unsigned(case, what, "HS256", lambda key: key.export_public().encode())


async def refuses_anothers_signature(case: OIDCConformance, _: Watch) -> None:
    """A token that another key signed, under the name of the place's, is refused."""
    async with case.house() as house:
        case.place.sign = lambda key, claims: signed(new_key(), claims, kid=key["kid"])
        await _demand_nobody(case, house, "another key signed the token")


async def asks_little_for_unknown_keys(case: OIDCConformance, _: Watch) -> None:
    """A token of an unknown key is refused, and the keys are not read again for each."""
    async with case.house() as house:
        await house.sign_in(case.place_name, case.somebody())
        case.clock.advance(KEYS_REST + 1)
        case.place.sign = lambda _key, claims: signed(new_key(), claims)
        for _token in range(3):
            await _demand_nobody(case, house, "the token's key is unknown")
        reads = case.place.asked.count(case.place.document["jwks_uri"])
        demand(reads <= 2, f"the keys were read {reads} times")  # noqa: PLR2004 - once, and again


async def follows_a_rotation(case: OIDCConformance, _: Watch) -> None:
    """A key that is new at the place is read within a minute, and a former one good no more."""
    async with case.house() as house:
        first = await house.sign_in(case.place_name, case.somebody())
        former = case.place.key
        case.place.rotate()
        case.clock.advance(KEYS_REST + 1)
        again = await house.sign_in(case.place_name, case.somebody())
        demand(user_of(first.token) == user_of(again.token), "a new key made another of one person")
        case.place.sign = lambda _key, claims: signed(former, claims)
        await _demand_nobody(case, house, "the token's key was withdrawn")


async def refuses_an_expired_token(case: OIDCConformance, _: Watch) -> None:
    """A token that is over by more than the clocks may differ is refused, others are not."""
    now = await _demand_refused_at(case, "is over", "exp", (-SKEW, -86_400))
    demand(now, "a token that was over for half of the time that clocks may differ was refused")


async def refuses_a_future_token(case: OIDCConformance, _: Watch) -> None:
    """A token of a time that clocks may not differ by is refused, others are not."""
    for name in ("iat", "nbf"):
        now = await _demand_refused_at(case, "is of the future", name, (SKEW + 1, 86_400))
        demand(now, "a token of a clock that is a little fast was refused")


async def refuses_anothers_userinfo(case: OIDCConformance, _: Watch) -> None:
    """Userinfo of another subject, or of none, is refused."""
    async with case.house() as house:
        await house.sign_in(case.place_name, case.somebody())
        if case.place.document["userinfo_endpoint"] not in case.place.asked:
            return
        for said in ("u-another", "", None, ABSENT):
            case.place.in_userinfo = {"sub": said}
            await _demand_nobody(case, house, "userinfo speaks of somebody else")


async def vouches_for_nothing_unsaid(case: OIDCConformance, _: Watch) -> None:
    """Where `email_verified` is missing, false or no boolean, it opens nobody's account."""
    if case.make.email_trust is EmailTrust.always:
        return
    async with case.house() as house:
        victim = await house.owner(VICTIM)
        for number, said in enumerate(UNSAID):
            case.place.word = said
            person = case.somebody(OTHER + number, name="mallory", email=VICTIM, verified=False)
            if await case.is_refused(house, person):
                continue
            welcome = await house.sign_in(case.place_name, person)
            what = "is missing" if said is ABSENT else f"says {said!r}"
            opened = user_of(welcome.token) == victim or welcome.email
            demand(not opened, f"{VERIFIED} {what}, and the address is vouched for")


async def _demand_refused(case: OIDCConformance, what: str, *laid: dict[str, Any]) -> None:
    """Nobody comes in by a token with these claims in the place of its own."""
    async with case.house() as house:
        for claims in laid:
            case.place.laid = claims
            await _demand_nobody(case, house, f"the token {what}")


async def _demand_nobody(case: OIDCConformance, house: House, what: str) -> None:
    before = await house.rows()
    demand(await case.is_refused(house, case.somebody()), f"{what}, and somebody came in")
    demand(await house.rows() == before, f"{what}, and something was written")


async def _demand_refused_at(
    case: OIDCConformance, what: str, name: str, seconds: tuple[int, ...]
) -> bool:
    """Whether somebody comes in by a token of half the skew, once those beyond are refused."""
    async with case.house() as house:
        now = case.clock() // SECOND
        for away in seconds:
            case.place.laid = {name: now + away}
            await _demand_nobody(case, house, f"the token {what} by {abs(away)} s")
        case.place.laid = {name: now + (SKEW if seconds[0] > 0 else -SKEW) // 2}
        return not await refused(house.sign_in(case.place_name, case.somebody()), *NO)


async def _demand_unsigned(case: OIDCConformance, what: str, alg: str, secret: Any) -> None:
    """Nobody comes in by a token of an algorithm that proves nothing."""

    def sign(key: JWK, claims: dict[str, Any]) -> str:
        header = {"alg": alg, "kid": key["kid"], "typ": "JWT"}
        start = ".".join(base64url(json.dumps(part).encode()) for part in (header, claims))
        keyed = secret(key)
        mac = hmac.digest(keyed, start.encode(), hashlib.sha256) if keyed else b""
        return f"{start}.{base64url(mac)}"

    async with case.house() as house:
        case.place.sign = sign
        await _demand_nobody(case, house, what)


OWN: Final = (
    Rule("a_nonce_is_sent", sends_a_nonce),
    Rule("a_missing_nonce", refuses_a_missing_nonce),
    Rule("a_wrong_nonce", refuses_a_wrong_nonce),
    Rule("a_replayed_nonce", refuses_a_replayed_nonce),
    Rule("a_token_of_another_issuer", refuses_anothers_token),
    Rule("a_discovery_of_another_issuer", refuses_anothers_discovery),
    Rule("a_promised_issuer", demands_a_promised_issuer),
    Rule("another_audience", refuses_another_audience),
    Rule("another_azp", refuses_another_azp),
    Rule("no_algorithm", refuses_no_algorithm),
    Rule("a_public_key_as_secret", refuses_a_public_key_as_secret),
    Rule("another_signature", refuses_anothers_signature),
    Rule("an_unknown_key", asks_little_for_unknown_keys),
    Rule("a_rotated_key", follows_a_rotation),
    Rule("an_expired_token", refuses_an_expired_token),
    Rule("a_future_token", refuses_a_future_token),
    Rule("another_userinfo", refuses_anothers_userinfo),
    Rule("an_unsaid_verification", vouches_for_nothing_unsaid),
)
RULES: Final = (*SHARED, *OWN)
