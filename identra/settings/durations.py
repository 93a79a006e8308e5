"""Durations as people write them (10m, 24h, 7d, 1h30m), in whole seconds."""

from __future__ import annotations

import re
from typing import Annotated, TypeAlias

from pydantic import BeforeValidator, PlainSerializer, ValidationInfo

LONGEST = 36_500 * 86_400
"""Seconds in a century: an instant so far off can still be written down."""

_WRITTEN = re.compile(
    r"(?:([0-9]{1,9})d)?(?:([0-9]{1,9})h)?(?:([0-9]{1,9})m)?(?:([0-9]{1,9})s)?", re.ASCII
)
_UNITS = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))
_SAYS = "a duration reads like 30s, 10m, 24h, 7d or 1h30m"


def parse_duration(text: str) -> int:
    """Seconds in a duration: days, hours, minutes, seconds, each at most once, largest first.

    Raises ValueError for anything else; a bare number has no unit and is refused.
    """
    found = _WRITTEN.fullmatch(text)
    if found is None or not text:
        raise ValueError(_SAYS)
    counts = (int(count or 0) for count in found.groups())
    seconds = sum(count * size for count, (_, size) in zip(counts, _UNITS, strict=True))
    if seconds > LONGEST:
        raise ValueError("a duration is at most 36500d")
    return seconds


def format_duration(seconds: int) -> str:
    """The shortest way to write a duration: 900 is 15m, 0 is 0s."""
    written = ""
    for unit, size in _UNITS:
        count, seconds = divmod(seconds, size)
        written += f"{count}{unit}" if count else ""
    return written or "0s"


def _read(value: object, info: ValidationInfo) -> object:
    if isinstance(value, str):
        return parse_duration(value)
    if isinstance(value, bool) or (info.context or {}).get("written"):
        raise ValueError(_SAYS)
    return value


def _read_or_never(value: object, info: ValidationInfo) -> object:
    return None if value == "never" else _read(value, info)


def _write_or_never(seconds: int | None) -> str:
    return "never" if seconds is None else format_duration(seconds)


Duration: TypeAlias = Annotated[
    int,
    BeforeValidator(_read),
    PlainSerializer(format_duration, return_type=str, when_used="json"),
]
"""Whole seconds. Settings write it with units; code may give the number."""

DurationOrNever: TypeAlias = Annotated[
    int | None,
    BeforeValidator(_read_or_never),
    PlainSerializer(_write_or_never, return_type=str, when_used="json"),
]
"""Whole seconds, or None for "never"."""
