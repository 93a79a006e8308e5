"""Ranges of digests: how they are spelled, and those that were asked for lately."""

import re
from typing import Final

KEPT: Final = 60.0
"""Seconds for which a range is kept: a secret is often chosen twice, with a code in between."""
ROOM: Final = 64
"""Ranges that are kept at once, each service process."""

_ROW: Final = re.compile(r"([0-9A-F]{35}):([0-9]{1,12})", re.ASCII)


class Ranges:
    """The ranges that were asked for lately, the oldest first."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[float, str]] = {}

    def find(self, prefix: str, now: float) -> str | None:
        """The range, unless it is too old by `now`, in seconds of any clock."""
        since, text = self._kept.get(prefix, (now, None))
        return text if now - since < KEPT else None

    def keep(self, prefix: str, text: str, now: float) -> None:
        """Keep it, in the room of the oldest if there is no other."""
        self._kept.pop(prefix, None)
        self._kept[prefix] = (now, text)
        while len(self._kept) > ROOM:
            del self._kept[next(iter(self._kept))]


def times_seen(suffix: str, text: str) -> int:
    """How often a range says that the digest of this end was seen: 0 for what merely pads it.

    Raises ValueError for what is no range, without its words.
    """
    rows = [_ROW.fullmatch(line) for line in text.upper().split()]
    if not rows:
        raise ValueError("the answer is no range")
    seen = 0
    for row in rows:
        if row is None:
            raise ValueError("the answer is no range")
        if row[1] == suffix:
            seen = max(seen, int(row[2]))
    return seen
