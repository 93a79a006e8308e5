"""The refresh token: names a session and a generation, and proves both with a MAC."""

from __future__ import annotations

import hashlib
import hmac
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from identra.secret import base64url, derive, from_base64url

if TYPE_CHECKING:
    from identra.keys import RingSecret

PREFIX: Final = "idr_"
SESSION: Final = 16
GENERATION: Final = 8
SECRET_ID: Final = 8
MAC: Final = 32
NAMED: Final = SESSION + GENERATION + SECRET_ID


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """What a refresh token says, before anything of it is believed."""

    session_id: str
    generation: int
    secret_id: str
    mac: bytes


def read(text: str) -> RefreshToken | None:
    """Take a refresh token apart; None if it is not one in its one spelling."""
    if not text.startswith(PREFIX) or not text.isascii():
        return None
    try:
        raw = from_base64url(text.removeprefix(PREFIX))
    except ValueError:
        return None
    if len(raw) != NAMED + MAC:
        return None
    return RefreshToken(
        session_id=str(uuid.UUID(bytes=raw[:SESSION])),
        generation=int.from_bytes(raw[SESSION : SESSION + GENERATION]),
        secret_id=raw[SESSION + GENERATION : NAMED].hex(),
        mac=raw[NAMED:],
    )


def write(session_id: str, generation: int, seed: str, secret: RingSecret) -> str:
    """The refresh token of one generation; the same each time it is written."""
    named = _name(session_id, generation, secret.secret_id)
    return PREFIX + base64url(named + _mac(named, seed, secret))


def prove(token: RefreshToken, seed: str, secret: RingSecret) -> bool:
    """Whether the token's MAC is right for the session's seed, in constant time."""
    named = _name(token.session_id, token.generation, token.secret_id)
    return hmac.compare_digest(_mac(named, seed, secret), token.mac)


def _name(session_id: str, generation: int, secret_id: str) -> bytes:
    return uuid.UUID(session_id).bytes + generation.to_bytes(GENERATION) + bytes.fromhex(secret_id)


def _mac(named: bytes, seed: str, secret: RingSecret) -> bytes:
    key = derive(secret.value, "refresh-token")
    return hmac.new(key, named + seed.encode(), hashlib.sha256).digest()
