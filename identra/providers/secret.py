"""The secret kind: something the person knows, kept here as a memory-hard hash alone."""

from __future__ import annotations

import unicodedata
from typing import ClassVar

from identra.errors import InvalidArgument
from identra.providers.base import Kind, Provider

LONGEST = 128
NO_CHARACTERS = frozenset({"Cc", "Cs"})
"""Control characters and halves of surrogate pairs."""
COMMON = frozenset(
    [
        "password",
        "password1",
        "password12",
        "password123",
        "passw0rd",
        "12345678",
        "123456789",
        "1234567890",
        "87654321",
        "11111111",
        "00000000",
        "12341234",
        "123123123",
        "11223344",
        "66666666",
        "88888888",
        "99999999",
        "qwertyui",
        "qwertyuiop",
        "qwerty123",
        "qwerty12",
        "1q2w3e4r",
        "1qaz2wsx",
        "asdfghjk",
        "asdfghjkl",
        "zxcvbnm1",
        "iloveyou",
        "sunshine",
        "princess",
        "football",
        "baseball",
        "superman",
        "trustno1",
        "welcome1",
        "letmein1",
        "starwars",
        "computer",
        "whatever",
        "jennifer",
        "michelle",
        "abcd1234",
        "a1b2c3d4",
        "abc12345",
        "admin123",
        "changeme",
        "changeit",
        "default1",
        "internet",
        "samsung1",
        "michael1",
        "iloveyou1",
        "monkey123",
        "dragon123",
    ]
)


class SecretProvider(Provider):
    """A secret people choose. The core hashes, compares and counts; `objection` may refuse more."""

    kind: ClassVar[Kind] = "secret"

    def objection(self, secret: str, email: str) -> str | None:
        """Why this secret is not acceptable, in words for its chooser; None to accept it."""
        del secret, email
        return None


def normalise(secret: str) -> str:
    """A secret in the form that is hashed: NFC (NIST SP 800-63B-4, 3.1.1.2)."""
    return unicodedata.normalize("NFC", secret)


def demand_acceptable(
    provider: SecretProvider, secret: str, email: str, *, shortest: int, field: str = "password"
) -> str:
    """The normalised secret, or InvalidArgument naming `field` with the reason.

    Length counts code points after NFC; no composition rules, nothing is cut off.
    """
    chosen = normalise(secret)
    why = _objection(chosen, email, shortest) or provider.objection(chosen, email)
    if why:
        raise InvalidArgument.of(field, why)
    return chosen


def _objection(chosen: str, email: str, shortest: int) -> str | None:
    if len(chosen) < shortest:
        return f"needs at least {shortest} characters"
    if len(chosen) > LONGEST:
        return f"has at most {LONGEST} characters"
    if any(unicodedata.category(character) in NO_CHARACTERS for character in chosen):
        return "has a character that can't be typed"
    folded = chosen.casefold()
    if folded in {email, email.partition("@")[0]}:
        return "must not be the e-mail address"
    if folded in COMMON or len(set(folded)) == 1:
        return "is among the first that are guessed"
    return None
