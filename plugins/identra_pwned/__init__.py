"""Objects to secrets that are known from a breach, by a service that never learns them.

It is asked for a range: the first five hex digits of a secret's SHA-1, which hundreds of other
digests share. Whether the rest is among them is looked up here.
"""

import asyncio
import hashlib
import time
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, PrivateAttr

from identra.plugin import Aid, Choice, HookSettings, Upstream, hookimpl
from identra_pwned.ranges import Ranges, times_seen

contract = 1

PREFIX: Final = 5
"""Hex digits of a digest that leave."""
PATIENCE: Final = 1.0
"""Seconds for a range; what is not known by then has nothing against a secret."""
LARGEST: Final = 256 * 1024
"""Characters of a range; those of today have 40,000."""
OBJECTION: Final = "is known from a breach"


def _place(url: str) -> str:
    parts = urlsplit(url)
    near = parts.scheme == "http" and parts.hostname in {"localhost", "127.0.0.1", "::1"}
    if not (parts.scheme == "https" or near) or not parts.hostname:
        raise ValueError("is neither https nor http on this machine")
    if "@" in parts.netloc or {"?", "#"} & set(url):
        raise ValueError("has a user, a query or a fragment")
    if not (url.isascii() and url.isprintable()) or " " in url or parts.port == 0:
        raise ValueError("is no address that anybody can be asked at")
    return url.rstrip("/")


class PwnedSettings(HookSettings):
    """`[hooks.pwned]`: how often a secret must have been seen, and who is asked."""

    threshold: int = Field(default=1, ge=1)
    base_url: Annotated[str, AfterValidator(_place)] = "https://api.pwnedpasswords.com"
    _ranges: Ranges = PrivateAttr(default_factory=Ranges)

    @property
    def reaches(self) -> tuple[str, ...]:
        """The one host that ranges come from."""
        return (urlsplit(self.base_url).netloc,)

    @property
    def ranges(self) -> Ranges:
        """Those that this process was told lately."""
        return self._ranges


@hookimpl
def section() -> type[HookSettings]:
    """The model of the hooks' settings."""
    return PwnedSettings


@hookimpl
async def check_password(choice: Choice, aid: Aid) -> str | None:
    """An objection to what was seen too often; fails where that can't be known in time."""
    said = aid.settings
    if not isinstance(said, PwnedSettings):
        raise TypeError("these are another plugin's settings")
    secret, now = choice.secret.encode(), time.monotonic()
    digest = hashlib.sha1(secret, usedforsecurity=False).hexdigest().upper()
    prefix, suffix = digest[:PREFIX], digest[PREFIX:]
    kept = said.ranges.find(prefix, now)
    text = kept or await _ask(f"{said.base_url}/range/{prefix}", aid.upstream)
    seen = times_seen(suffix, text)
    if kept is None:
        said.ranges.keep(prefix, text, now)
    return OBJECTION if seen >= said.threshold else None


async def _ask(url: str, upstream: Upstream) -> str:
    """A range as it is told: padded, so that nobody reads from its length which one it is."""
    async with asyncio.timeout(PATIENCE):
        text = await upstream.get_text(url, headers={"Add-Padding": "true"})
    if len(text) > LARGEST:
        raise ValueError("the answer is too large")
    return text
