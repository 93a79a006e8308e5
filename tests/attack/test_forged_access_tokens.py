"""The attacker writes access tokens of her own, or changes one she was given; a route of ours
takes nothing but what our ring signed, in its one spelling, for a session that lives.
"""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from callers import Caller, House, access, open_house, reason
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from forging import Json, bits_beyond, decode, encode, opened, sign, with_hmac, write
from jwcrypto.jwk import JWK

from identra.keys import new_pair
from identra.secret import uuid7

if TYPE_CHECKING:
    from pathlib import Path

    import httpx
    from clock import FrozenClock

    from identra.settings import Persistence

ADA, EVE = "ada@example.com", "eve@example.com"
MOST = 8192
Forged = dict[str, str]
Named = pytest.mark.parametrize("persistence", ["sqlite"], indirect=True)
L = 2**252 + 27742317777372353535851937790883648493


async def _refused(who: Caller, token: str) -> list[httpx.Response]:
    """What every route that reads an access token answers to this one."""
    body = {"access_token": token}
    back = {"code": "c", "state": "s"}
    asked = [who.say("/me/login-info", body), who.say("/oauth/bind", {**back, **body})]
    if not token.isprintable() or not token.isascii() or token.strip() != token or not token:
        return await asyncio.gather(*asked)
    asked += [
        who.info(token),
        who.ask("/oauth/url", bearer=token, provider="github"),
        who.say("/oauth/bind", back, bearer=token),
        who.answer(ADA, "000000", bearer=token),
    ]
    return await asyncio.gather(*asked)


async def _demand_all_refused(house: House, forged: Forged) -> None:
    """One answer for every cause, to the byte."""
    told = set()
    answers = await asyncio.gather(*(_refused(house.caller(), each) for each in forged.values()))
    for name, each in zip(forged, answers, strict=True):
        for answer in each:
            assert reason(answer) == "INVALID_TOKEN", (name, str(answer.request.url))
            own = answer.headers["x-request-id"]
            challenge = answer.headers["www-authenticate"]
            told.add((answer.status_code, challenge, answer.text.replace(own, "")))
    assert len(told) == 1


class Forger:
    """Has one genuine token in hand, and a key of her own; `ours` only she of the house has."""

    def __init__(self, genuine: str, ours: JWK, algorithm: str) -> None:
        self.genuine = genuine
        self.header, self.claims = opened(genuine)
        self.ours = ours
        self.algorithm = algorithm
        self.hers = JWK.from_json(new_pair(algorithm).private)

    def signed(self, header: Json | bytes | None = None, claims: Any = None) -> str:
        """Rightly signed by our own key, so that nothing but its content can be refused."""
        said = self.header if header is None else header
        told = self.claims if claims is None else claims
        return write(self.ours, said, told, algorithm=self.algorithm)

    def lying(self, **header: Any) -> str:
        return self.signed(self.header | header)

    def claiming(self, **claims: Any) -> str:
        return self.signed(None, self.claims | claims)

    def without(self, name: str) -> str:
        return self.signed(None, {k: v for k, v in self.claims.items() if k != name})


def _algorithms(forger: Forger) -> Forged:
    """The header chooses how it is checked."""
    header, claims = forger.header, forger.claims
    said = encode(json.dumps(claims).encode())
    public = JWK.from_json(forger.ours.export_public())
    key = public.get_op_key("verify")
    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    pem = key.public_bytes(serialization.Encoding.PEM, spki)
    secrets = {
        "the PEM": pem,
        "the PEM, trimmed": pem.strip(),
        "the DER": key.public_bytes(serialization.Encoding.DER, spki),
        "the JWK": public.export_public().encode(),
        "nothing": b"",
        "the kid": header["kid"].encode(),
    }
    forged = {
        f"HS256 with {name}": with_hmac(secret, header | {"alg": "HS256"}, claims)
        for name, secret in secrets.items()
    }
    for none in ("none", "None", "NONE", "nOnE", "", "dir"):
        unsigned = encode(json.dumps(header | {"alg": none}).encode())
        forged[f"alg {none!r}, unsigned"] = f"{unsigned}.{said}."
        forged[f"alg {none!r}, our signature"] = forger.lying(alg=none)
    others = {"RS256", "RS384", "PS256", "ES256", "ES512", "EdDSA", "HS256"} - {forger.algorithm}
    forged |= {f"alg {other}": forger.lying(alg=other) for other in others}
    if forger.algorithm == "RS256":
        for other in ("RS384", "RS512", "PS256", "PS512"):
            by_it = header | {"alg": other}
            forged[f"{other} by our key"] = write(forger.ours, by_it, claims, algorithm=other)
    return forged


def _headers(forger: Forger) -> Forged:
    """The header brings a key, or asks for more than a signature check."""
    hers = json.loads(forger.hers.export_public())
    more = {
        "jwk": hers,
        "jku": "https://evil.example/jwks.json",
        "x5u": "https://evil.example/cert.pem",
        "x5c": ["MIIB"],
        "x5t#S256": "x",
        "crit": ["exp"],
        "zip": "DEF",
        "b64": False,
        "cty": "JWT",
        "enc": "A256GCM",
        "anything": "else",
    }
    forged = {f"{name}, our key": forger.lying(**{name: value}) for name, value in more.items()}
    for name, value in more.items():
        by_hers = forger.header | {name: value}
        forged[f"{name}, her key"] = write(forger.hers, by_hers, forger.claims)
    forged["her kid, her key"] = write(
        forger.hers, forger.header | {"kid": hers["kid"]}, forger.claims
    )
    forged["our kid, her key"] = write(forger.hers, forger.header, forger.claims)
    kids = ("", "../../dev/null", "' OR 1=1 --", "a" * 5000, "\ud800", " ", None, 0, True, [], {})
    forged |= {f"kid {kid!r}"[:40]: forger.lying(kid=kid) for kid in kids}
    types = ("JWT", "jwt", "at+jwt ", "refresh+jwt", "logout+jwt", "", None, 1, ["at+jwt"])
    forged |= {f"header typ {typ!r}": forger.lying(typ=typ) for typ in types}
    for name in ("alg", "kid", "typ"):
        less = {k: v for k, v in forger.header.items() if k != name}
        forged[f"no {name}"] = forger.signed(less)
    return forged


def _claims(forger: Forger) -> Forged:
    """Rightly signed by us, and still not a token of ours for now."""
    now = forger.claims["iat"]
    wrong: dict[str, tuple[Any, ...]] = {
        "exp": (now, now - 1, 0, -1, str(now + 60), float(now + 60), True, None, [now + 60]),
        "iat": (now + 31, str(now), None, float(now), True),
        "nbf": (now + 31, str(now), None, 0.5),
        "iss": ("evil", "Identra", "identra ", ["identra"], "", None),
        "sub": ("", None, 1, ["x"], "0190" + forger.claims["sub"][4:]),
        "sid": ("", None, 1, "0190" + forger.claims["sid"][4:]),
        "jti": ("", None, 7),
        "typ": ("refresh", "id", "", None, "ACCESS"),
    }
    forged = {
        f"{name} {value!r}": forger.claiming(**{name: value})
        for name, values in wrong.items()
        for value in values
    }
    return forged | {f"no {name}": forger.without(name) for name in wrong}


def _json(forger: Forger) -> Forged:
    """JSON that two readers read in two ways, or that is none."""
    header, claims = (json.dumps(part) for part in (forger.header, forger.claims))
    sub = json.dumps(forger.claims["sub"])
    twice = {
        "alg": header[:-1] + ', "alg": "none"}',
        "kid": header[:-1] + f', "kid": {json.dumps(forger.header["kid"])}}}',
        "crit": header[:-1] + ', "crit": ["x"], "crit": []}',
    }
    forged = {f"{name} twice": forger.signed(said.encode()) for name, said in twice.items()}
    bodies: dict[str, str | bytes] = {
        "sub twice": claims[:-1] + f', "sub": {sub}}}',
        "sub twice, the other first": '{"sub": "evil", ' + claims[1:],
        "exp twice": claims[:-1] + ', "exp": 99999999999}',
        "a name twice within": claims[:-1] + ', "x": {"a": 1, "a": 2}}',
        "escaped, but twice": claims[:-1] + f', "s\\u0075b": {sub}}}',
        "trailing data": claims + "x",
        "a second object": claims + claims,
        "a BOM": "\ufeff" + claims,
        "UTF-16": claims.encode("utf-16"),
        "no UTF-8": claims[:-1].encode() + b', "x": "\xff"}',
        "a list": f"[{claims}]",
        "a string": json.dumps(claims),
        "null": "null",
        "nothing": "",
        "an empty object": "{}",
        "a comment": claims[:-1] + "/**/}",
        "single quotes": claims.replace('"', "'"),
        "nested deep": claims[:-1] + ', "x": ' + "[" * 2000 + "]" * 2000 + "}",
        "a number of a thousand digits": claims[:-1] + ', "nbf": ' + "9" * 1000 + "}",
    }
    for name, body in bodies.items():
        told = body if isinstance(body, bytes) else body.encode()
        forged[name] = forger.signed(None, told)
    forged["header: trailing data"] = forger.signed(header.encode() + b"x")
    return forged


def _signatures(forger: Forger, other: str) -> Forged:
    """A genuine token, changed; `other` is another user's, as genuine."""
    header, claims, tag = forger.genuine.split(".")
    raw, signed = decode(tag), f"{header}.{claims}".encode()
    forged = {
        "no signature": f"{header}.{claims}.",
        "no last part": f"{header}.{claims}",
        "zeros": f"{header}.{claims}.{encode(bytes(len(raw)))}",
        "cut short": f"{header}.{claims}.{encode(raw[:-1])}",
        "grown": f"{header}.{claims}.{encode(raw + bytes(1))}",
        "a bit changed": f"{header}.{claims}.{encode(bytes([raw[0] ^ 1]) + raw[1:])}",
        "another's claims": f"{header}.{other.split('.')[1]}.{tag}",
        "another's signature": f"{header}.{claims}.{other.split('.')[2]}",
        "of the claims alone": f"{header}.{claims}."
        + encode(sign(forger.ours, forger.algorithm, claims.encode())),
        "a part more": f"{forger.genuine}.{tag}",
        "a dot more": f"{forger.genuine}.",
        "a JWE's five parts": f"{header}..{claims}.{tag}.{tag}",
        "detached": f"{header}..{tag}",
        "no header": f".{claims}.{tag}",
        "a flattened JWS": json.dumps({"protected": header, "payload": claims, "signature": tag}),
    }
    if forger.algorithm == "ES256":
        wide = bytes(1) + raw[:32] + bytes(1) + raw[32:]
        forged["r and s a byte wider"] = f"{header}.{claims}.{encode(wide)}"
        der = forger.ours.get_op_key("sign").sign(signed, ec.ECDSA(hashes.SHA256()))
        forged["DER"] = f"{header}.{claims}.{encode(der)}"
    if forger.algorithm == "EdDSA":
        wound = raw[:32] + (int.from_bytes(raw[32:], "little") + L).to_bytes(32, "little")
        forged["S beyond the order"] = f"{header}.{claims}.{encode(wound)}"
    return forged


def _spellings(forger: Forger) -> Forged:
    """The very bytes we signed, in another spelling: a denylist of tokens would not know it."""
    parts = forger.genuine.split(".")
    forged = {}
    for place, name in enumerate(("header", "claims", "signature")):
        part = parts[place]
        ways = {
            "padded": part + "=" * (-len(part) % 4 or 4),
            "with spare bits": bits_beyond(part),
            "in the plain alphabet": part.replace("-", "+").replace("_", "/"),
            "with a line break": f"{part[:8]}\n{part[8:]}",
            "with a space": f"{part[:8]} {part[8:]}",
            "with a letter more": f"{part}A",
            "with a star": f"{part[:8]}*{part[8:]}",
        }
        for way, spelled in ways.items():
            if spelled is not None and spelled != part:
                changed = [*parts[:place], spelled, *parts[place + 1 :]]
                forged[f"{name} {way}"] = ".".join(changed)
    forged["in capitals"] = forger.genuine.upper()
    forged["a scheme within"] = f"Bearer {forger.genuine}"
    forged["a line behind"] = f"{forger.genuine}\n"
    forged["full-width dots"] = forger.genuine.replace(".", "\uff0e")
    return forged


def _sized(forger: Forger, length: int) -> str:
    """A genuine token of just this length, or the next that base64 can spell."""
    bare = len(forger.claiming(x=""))
    token = forger.claiming(x="a" * ((length - bare) * 3 // 4))
    while len(token) < length:
        token = forger.claiming(x="a" * (len(opened(token)[1]["x"]) + 1))
    return token


@Named
@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
async def test_no_forgery_passes(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock, algorithm: str
) -> None:
    keys = {"keys": {"algorithm": algorithm}}
    async with open_house(tmp_path, persistence, sections=keys, clock=clock) as house:
        _, hers = await house.owner(EVE)
        _, pair = await house.owner(ADA)
        forger = Forger(access(pair), house.app.keys.signer().jwk, algorithm)
        rightly = forger.signed()
        for genuine in (access(pair), rightly, forger.claiming(more="claims")):
            assert reason(await house.caller().info(genuine)) == "200"
        await _demand_all_refused(house, _algorithms(forger))
        await _demand_all_refused(house, _headers(forger))
        await _demand_all_refused(house, _claims(forger))
        await _demand_all_refused(house, _json(forger))
        await _demand_all_refused(house, _signatures(forger, access(hers)))
        await _demand_all_refused(house, _spellings(forger))
        assert reason(await house.caller().info(access(pair))) == "200"


@Named
async def test_a_token_has_at_most_8_kib(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    async with open_house(tmp_path, persistence, clock=clock) as house:
        _, pair = await house.owner(ADA)
        forger = Forger(access(pair), house.app.keys.signer().jwk, "ES256")
        fits, over = _sized(forger, MOST - 2), _sized(forger, MOST + 1)
        assert len(fits) <= MOST < len(over)
        assert reason(await house.caller().info(fits)) == "200"
        long = {"a byte over": over, "twice": _sized(forger, 2 * MOST - 1000), "dots": "." * 9000}
        await _demand_all_refused(house, long)


@Named
async def test_a_session_of_another_user_is_not_hers(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    """Even rightly signed, `sub` and `sid` belong together."""
    async with open_house(tmp_path, persistence, clock=clock) as house:
        _, hers = await house.owner(EVE)
        _, pair = await house.owner(ADA)
        forger = Forger(access(pair), house.app.keys.signer().jwk, "ES256")
        _, others = opened(access(hers))
        mixed = {name: forger.claiming(**{name: others[name]}) for name in ("sub", "sid")}
        await _demand_all_refused(house, mixed)


@pytest.mark.parametrize("state", ["retired", "revoked"])
async def test_a_key_that_left_the_ring_verifies_nothing(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock, state: str
) -> None:
    """A former one still does, until then."""
    async with open_house(tmp_path, persistence, clock=clock) as house:
        keys, t = house.app.keys, house.app.database.tables.keys
        _, pair = await house.owner(ADA)
        former = opened(access(pair))[0]["kid"]
        for standing, told in (("former", "200"), (state, "INVALID_TOKEN")):
            change = {t.state: standing, t.slot: None}
            await house.app.database.change(t.update(change).where(t.id == former))
            if standing == "former":
                async with house.app.database.transaction():
                    await keys._steps.insert_active(new_pair("ES256"), keys._master.first)
            await keys.load()
            assert reason(await house.caller().info(access(pair))) == told
        published = (await house.caller().ask("/.well-known/jwks.json")).text
        assert former not in published
        _, fresh = await house.owner(EVE)
        assert reason(await house.caller().info(access(fresh))) == "200"


@Named
async def test_twenty_unknown_kids_at_once_cost_the_honest_one_second_together(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    async with open_house(tmp_path, persistence, clock=clock) as house:
        _, pair = await house.owner(ADA)
        forger = Forger(access(pair), house.app.keys.signer().jwk, "ES256")
        began = time.monotonic()
        forged = (house.caller().info(forger.lying(kid=uuid7())) for _ in range(20))
        honest = house.caller().info(access(pair))
        answers = await asyncio.gather(*forged, honest)
        assert [reason(answer) for answer in answers] == ["INVALID_TOKEN"] * 20 + ["200"]
        assert time.monotonic() - began < 3
