"""Which of the languages that mail is written in somebody is told something in. Pure.

A locale is one of `LOCALES`. What a person or her browser says is a language range (RFC 4647, 2.1),
which may name any of the world's languages: one that is not spoken here is passed over, never
refused.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, get_args

if TYPE_CHECKING:
    from collections.abc import Iterator

Locale: TypeAlias = Literal["en", "de", "fr", "es", "zh_Hans", "ja"]
LOCALES: Final[tuple[Locale, ...]] = get_args(Locale)

MOST_RANGES: Final = 32
"""So many ranges of a header are looked at."""

_TAGS: Final[dict[str, Locale]] = {
    **{locale.lower().replace("_", "-"): locale for locale in LOCALES},
    **dict.fromkeys(("zh", "zh-cn", "zh-sg", "zh-my"), "zh_Hans"),
}
"""What each is known by. Chinese that is not said to be of either script is the simplified here."""
_OTHER: Final = frozenset({"zh-hant", "zh-tw", "zh-hk", "zh-mo"})
"""What a shorter range does not stand for: who reads traditional Chinese has said so."""

_RANGE: Final = re.compile(r"[a-z]{1,8}(-[a-z0-9]{1,8}){0,7}", re.ASCII)
_WEIGHT: Final = re.compile(r"q=(0(\.[0-9]{0,3})?|1(\.0{0,3})?)", re.ASCII | re.IGNORECASE)


def spoken(said: str) -> Locale | None:
    """The locale that one range asks for by lookup (RFC 4647, 3.4), or None.

    `de-AT` finds `de`, `zh_CN` finds `zh_Hans`; an underscore is read as a hyphen.
    """
    return _find(said, frozenset())


def heard(accept_language: str) -> Locale | None:
    """The locale that an Accept-Language asks for (RFC 9110, 12.5.4), or None.

    The range of the highest weight that finds one; of equal ones the first. What has the weight 0
    is not acceptable, and `*` names none. What is no range is passed over.
    """
    if not accept_language:
        return None
    ranges = list(_ranges(accept_language))
    refused = frozenset(name for name, weight in ranges if not weight)
    wanted = sorted((one for one in ranges if one[1]), key=lambda one: -one[1])
    found = (_find(name, refused) for name, _ in wanted)
    return next((locale for locale in found if locale), None)


def stored(said: str | None) -> Locale | None:
    """A locale as it was stored; None for one that is no longer spoken here."""
    return next((locale for locale in LOCALES if locale == said), None)


def _ranges(header: str) -> Iterator[tuple[str, int]]:
    """Each range in small letters, with its weight in thousandths."""
    for entry in header.split(",", MOST_RANGES)[:MOST_RANGES]:
        name, *more = (part.strip(" \t") for part in entry.split(";"))
        weight = _weight(more)
        if weight is not None and _RANGE.fullmatch(name.lower()):
            yield name.lower(), weight


def _weight(parameters: list[str]) -> int | None:
    """What `q` says; None for anything else."""
    if not parameters:
        return 1000
    found = _WEIGHT.fullmatch(parameters[0]) if len(parameters) == 1 else None
    return round(float(found[1]) * 1000) if found else None


def _find(said: str, refused: frozenset[str]) -> Locale | None:
    """Shorten a range from its end until it names one (RFC 4647, 3.4)."""
    tag = said.lower().replace("_", "-")
    if not _RANGE.fullmatch(tag):
        return None
    while tag and tag not in refused | _OTHER:
        if tag in _TAGS:
            return _TAGS[tag]
        tag = tag.rpartition("-")[0]
        if len(tag.rpartition("-")[2]) == 1:  # what introduces an extension goes with it
            tag = tag.rpartition("-")[0]
    return None
