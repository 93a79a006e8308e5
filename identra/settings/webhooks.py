"""`[webhooks.NAME]`: whom events are told to, and how their secrets are spelled."""

from __future__ import annotations

import re
from base64 import b64decode
from typing import Annotated, Self, TypeAlias
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, model_validator

from identra.settings.words import is_loopback
from identra.values import Settings

SHORTEST, LONGEST = 32, 64
"""Bytes of a secret: Standard Webhooks asks for 24 to 64, and we for 256 bits at least."""
_PREFIX = "whsec_"
_PATTERN = re.compile(r"\*|[a-z]+\.(?:\*|[a-z]+)", re.ASCII)


def key_of(secret: str) -> bytes:
    """The bytes of a secret as Standard Webhooks spells it. Raises ValueError."""
    says = f"a secret is {_PREFIX} and the Base64 of {SHORTEST} to {LONGEST} random bytes"
    if not secret.startswith(_PREFIX):
        raise ValueError(says)
    try:
        key = b64decode(secret.removeprefix(_PREFIX), validate=True)
    except ValueError:
        raise ValueError(says) from None
    if not SHORTEST <= len(key) <= LONGEST:
        raise ValueError(says)
    if len(set(key)) < SHORTEST // 4:
        raise ValueError("a secret is made of random bytes")
    return key


def _secret(said: SecretStr) -> SecretStr:
    key_of(said.get_secret_value())
    return said


def _url(url: str) -> str:
    says = "is an https URL without user or fragment"
    try:
        parts = urlsplit(url)
        sound = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        sound = False
    odd = not url.isascii() or not url.isprintable() or " " in url or "#" in url
    if not sound or odd or "@" in urlsplit(url).netloc:
        raise ValueError(says)
    return url


def _pattern(text: str) -> str:
    if _PATTERN.fullmatch(text) is None:
        raise ValueError("reads like user.created, user.* or *")
    return text


def _distinct(secrets: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
    if len({secret.get_secret_value() for secret in secrets}) < len(secrets):
        raise ValueError("a secret is named twice")
    return secrets


WebhookSecret: TypeAlias = Annotated[SecretStr, AfterValidator(_secret)]
EventPattern: TypeAlias = Annotated[str, AfterValidator(_pattern)]


class Webhook(Settings):
    """`[webhooks.NAME]`: a target. All `secrets` sign, the first of them first."""

    url: Annotated[str, Field(max_length=2048), AfterValidator(_url)]
    secrets: Annotated[
        tuple[WebhookSecret, ...], Field(min_length=1, max_length=4), AfterValidator(_distinct)
    ]
    events: Annotated[tuple[EventPattern, ...], Field(min_length=1)] = ("*",)
    allow_private: bool = False

    @property
    def keys(self) -> tuple[bytes, ...]:
        """The keys that sign, in their order."""
        return tuple(key_of(secret.get_secret_value()) for secret in self.secrets)

    @model_validator(mode="after")
    def _encrypted(self) -> Self:
        parts = urlsplit(self.url)
        near = self.allow_private and is_loopback(parts.hostname or "")
        if parts.scheme != "https" and not near:
            raise ValueError("url is https; http goes to a loopback host with allow_private alone")
        return self
