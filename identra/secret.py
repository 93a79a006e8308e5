"""Making, digesting and comparing secrets: the only maker of randomness in the house."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
import uuid


def token_bytes(nbytes: int = 32) -> bytes:
    """Random bytes from the operating system; 32 of them are 256 bits."""
    return secrets.token_bytes(nbytes)


def token(nbytes: int = 32) -> str:
    """A random URL-safe string that carries `nbytes` bytes of entropy."""
    return secrets.token_urlsafe(nbytes)


def digits(count: int) -> str:
    """A uniformly random string of `count` decimal digits."""
    return f"{secrets.randbelow(10**count):0{count}d}"


def portion() -> float:
    """A uniformly random part of a whole: at least 0, less than 1."""
    return secrets.randbelow(1 << 53) / (1 << 53)


def uuid7() -> str:
    """A UUIDv7 (RFC 9562, 5.7): sorts by the millisecond it was made in, 74 bits random."""
    milliseconds = time.time_ns() // 1_000_000
    noise = int.from_bytes(secrets.token_bytes(10))
    high = (milliseconds & ((1 << 48) - 1)) << 80
    text = f"{high | 7 << 76 | (noise >> 68) << 64 | 2 << 62 | noise & _LOW:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def uuid7_at(microseconds: int) -> str:
    """What sorts before every UUIDv7 that is made from an instant on, and behind the others."""
    text = f"{max(microseconds, 0) // 1_000:012x}"
    return f"{text[:8]}-{text[8:]}"


def uuid7_made_at(text: str) -> int | None:
    """The Unix milliseconds that a UUIDv7 carries; None for anything else."""
    try:
        read = uuid.UUID(text)
    except ValueError:
        return None
    return read.int >> 80 if read.version == _SEVEN and str(read) == text else None


def digest(purpose: str, value: str) -> str:
    """Hex SHA-256 of a value under a purpose: the same value under another one differs."""
    return hashlib.sha256(f"identra:{purpose}\0{value}".encode()).hexdigest()


def fingerprint(secret: str) -> str:
    """Hex SHA-256 of a secret of 256 bits, by which settings know it; of less it is no hiding."""
    return hashlib.sha256(secret.encode()).hexdigest()


def keyed_digest(key: bytes, purpose: str, value: str) -> str:
    """Hex HMAC-SHA-256 of a value under a purpose: worthless to a reader without the key."""
    return hmac.new(key, f"{purpose}\0{value}".encode(), hashlib.sha256).hexdigest()


def derive(key: bytes, purpose: str) -> bytes:
    """A 256-bit key of its own for one purpose (HKDF-Expand with SHA-256, RFC 5869, 2.3)."""
    return hmac.new(key, f"identra:{purpose}\1".encode(), hashlib.sha256).digest()


def same(one: str, other: str) -> bool:
    """Whether two strings are equal, in a time that does not tell where they differ."""
    return hmac.compare_digest(one.encode(), other.encode())


def pkce_challenge(verifier: str) -> str:
    """The S256 code challenge of a verifier (RFC 7636, 4.2)."""
    return base64url(hashlib.sha256(verifier.encode()).digest())


def base64url(raw: bytes) -> str:
    """Base64url without padding (RFC 7515, 2)."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def from_base64url(text: str) -> bytes:
    """Read unpadded base64url in its one spelling; ValueError for anything else."""
    raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if base64url(raw) != text:
        message = "not the canonical spelling"
        raise ValueError(message)
    return raw


_LOW = (1 << 62) - 1
_SEVEN = 7
