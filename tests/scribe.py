"""Letters for a test, written at one instant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from identra.mail import open_letters
from identra.mail.letters import sample
from identra.settings.sections import Mail

if TYPE_CHECKING:
    from identra.locales import Locale
    from identra.mail import Letters
    from identra.mail.letters import Name
    from identra.values import Message

TO: Final = "alice@example.com"
NOW: Final = 1_795_720_800_000_000
"""2026-11-26T19:20:00Z."""


def letters(**said: Any) -> Letters:
    """Those of an application named Acme, unless `[mail]` says otherwise."""
    return open_letters(Mail(**{"application_name": "Acme", **said}), lambda: NOW)


def letter(
    name: Name,
    locale: Locale = "en",
    *,
    to: str = TO,
    html: bool = True,
    link: bool = False,
    network: bool = True,
    **said: Any,
) -> Message:
    """One of them, with the sample's facts."""
    facts = sample(name, NOW, link=link, network=network)
    return letters(**said).write(name, to, locale, facts, html=html)
