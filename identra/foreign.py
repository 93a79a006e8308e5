"""Hashes that other services made: bcrypt, scrypt, PBKDF2 as Django and passlib spell them.

They come in by an import, open the account once with the right secret, and are replaced by a
hash of our own at that login. Costs beyond our bounds are not read at all, so that an imported
hash can't hold a hashing thread for minutes.
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
import re
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, Final, TypeAlias

import bcrypt
from argon2 import extract_parameters
from argon2.exceptions import InvalidHashError

if TYPE_CHECKING:
    from collections.abc import Callable

    Check: TypeAlias = Callable[[bytes], bool]

LONGEST: Final = 512
MOST_ITERATIONS: Final = 5_000_000
MOST_ROUNDS: Final = 16
MOST_MEMORY: Final = 256 * 1024 * 1024
MOST_PASSES: Final = 16
BCRYPT_READS: Final = 72
"""Bytes of a secret that bcrypt looks at; those who made such hashes cut the rest off too."""

_BCRYPT: Final = r"(\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53})"
_DIGESTS: Final = {"": "sha1", "-sha256": "sha256", "-sha512": "sha512"}


def native(hashed: str) -> str:
    """The hash as we keep it: Django's name before an argon2 hash is left out."""
    return hashed.removeprefix("argon2") if hashed.startswith("argon2$argon2") else hashed


def known(hashed: str) -> bool:
    """Whether a hash, native or foreign, can be verified here at a bearable cost."""
    if len(hashed) > LONGEST or not hashed.isascii():
        return False
    if hashed.startswith("$argon2"):
        return _bearable_argon2(hashed)
    return read(hashed) is not None


def read(hashed: str) -> Check | None:
    """What checks a secret's bytes against a foreign hash; None for any other spelling."""
    for spelling, reader in _READERS:
        if found := spelling.fullmatch(hashed):
            try:
                return reader(*found.groups())
            except (ValueError, KeyError, binascii.Error):
                return None
    return None


def _bearable_argon2(hashed: str) -> bool:
    try:
        costs = extract_parameters(hashed)
    except InvalidHashError:
        return False
    return costs.memory_cost * 1024 <= MOST_MEMORY and costs.time_cost <= MOST_PASSES


def _bcrypt(hashed: str, rounds: str) -> Check:
    return _crypt(hashed, rounds, lambda secret: secret[:BCRYPT_READS])


def _django_bcrypt_sha256(hashed: str, rounds: str) -> Check:
    return _crypt(hashed, rounds, lambda secret: hashlib.sha256(secret).hexdigest().encode())


def _passlib_bcrypt_sha256(ident: str, rounds: str, salt: str, checksum: str) -> Check:
    hashed, key = f"${ident}${int(rounds):02}${salt}{checksum}", salt.encode()
    return _crypt(hashed, rounds, lambda secret: b64encode(hmac.digest(key, secret, "sha256")))


def _crypt(hashed: str, rounds: str, prepare: Callable[[bytes], bytes]) -> Check:
    _bounded(rounds, MOST_ROUNDS)
    return lambda secret: bcrypt.checkpw(prepare(secret), hashed.encode())


def _django_pbkdf2(digest: str, iterations: str, salt: str, checksum: str) -> Check:
    return _pbkdf2(digest, iterations, salt.encode(), b64decode(checksum, validate=True))


def _passlib_pbkdf2(digest: str, iterations: str, salt: str, checksum: str) -> Check:
    return _pbkdf2(_DIGESTS[digest], iterations, _unpadded(salt, b"./"), _unpadded(checksum, b"./"))


def _pbkdf2(digest: str, iterations: str, salt: bytes, checksum: bytes) -> Check:
    times = _bounded(iterations, MOST_ITERATIONS)
    return lambda secret: hmac.compare_digest(
        hashlib.pbkdf2_hmac(digest, secret, salt, times, len(checksum)), checksum
    )


def _django_scrypt(work: str, salt: str, block: str, parallel: str, checksum: str) -> Check:
    wanted = b64decode(checksum, validate=True)
    return _scrypt(int(work), block, parallel, salt.encode(), wanted)


def _passlib_scrypt(exponent: str, block: str, parallel: str, salt: str, checksum: str) -> Check:
    work = 2 ** _bounded(exponent, 30)
    return _scrypt(work, block, parallel, _unpadded(salt), _unpadded(checksum))


def _scrypt(work: int, block: str, parallel: str, salt: bytes, checksum: bytes) -> Check:
    r, p = _bounded(block, 1024), _bounded(parallel, MOST_PASSES)
    memory = 128 * r * (work + p + 2)
    if memory > MOST_MEMORY or work < 2 or work & (work - 1):  # noqa: PLR2004 - RFC 7914, 2
        raise ValueError("a cost that is not borne here")
    return lambda secret: hmac.compare_digest(
        hashlib.scrypt(secret, salt=salt, n=work, r=r, p=p, maxmem=memory, dklen=len(checksum)),
        checksum,
    )


def _bounded(number: str, most: int) -> int:
    if not 0 < int(number) <= most:
        raise ValueError("a cost that is not borne here")
    return int(number)


def _unpadded(text: str, alphabet: bytes = b"+/") -> bytes:
    return b64decode(text + "=" * (-len(text) % 4), altchars=alphabet, validate=True)


_READERS: Final = tuple(
    (re.compile(spelling, re.ASCII), reader)
    for spelling, reader in (
        (_BCRYPT, _bcrypt),
        (rf"bcrypt\${_BCRYPT}", _bcrypt),
        (rf"bcrypt_sha256\${_BCRYPT}", _django_bcrypt_sha256),
        (
            r"\$bcrypt-sha256\$v=2,t=(2b),r=(\d{1,2})\$([./A-Za-z0-9]{22})\$([./A-Za-z0-9]{31})",
            _passlib_bcrypt_sha256,
        ),
        (
            r"pbkdf2_(sha256|sha1)\$(\d{1,8})\$([^$]{1,64})\$([A-Za-z0-9+/=]{16,128})",
            _django_pbkdf2,
        ),
        (
            r"\$pbkdf2(|-sha256|-sha512)\$(\d{1,8})\$([A-Za-z0-9./]{1,128})\$([A-Za-z0-9./]{16,128})",
            _passlib_pbkdf2,
        ),
        (
            r"scrypt\$(\d{1,8})\$([^$]{1,64})\$(\d{1,4})\$(\d{1,4})\$([A-Za-z0-9+/=]{16,128})",
            _django_scrypt,
        ),
        (
            r"\$scrypt\$ln=(\d{1,2}),r=(\d{1,4}),p=(\d{1,4})\$([A-Za-z0-9+/]{1,128})\$([A-Za-z0-9+/]{16,128})",
            _passlib_scrypt,
        ),
    )
)
