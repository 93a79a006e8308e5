"""One worker's numbers, in memory that its parent made and can read while the worker writes.

It is not backed by a file: it needs no directory, leaves nothing behind, and survives the
worker's end for as long as the parent wants to read it.
"""

from __future__ import annotations

import json
import mmap
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

    from identra.metrics.catalogue import Metric

Series: TypeAlias = tuple[str, ...]
"""A metric's name, then the values of its labels."""

NUMBERS: Final = 32_768
NAMES: Final = 1 << 19
"""How many numbers there is room for, and how many bytes for what they are called. Pages that
are not written take no memory."""

_HEAD: Final = 16
_PREFIX: Final = 4
_SPARE: Final = 64
"""Numbers at the end, into which goes what found no room."""


class Sheet:
    """Numbers by series. One process writes; whoever shares the memory may read."""

    def __init__(self) -> None:
        ends = (_HEAD, _HEAD + 8 * NUMBERS, _HEAD + 8 * NUMBERS + NAMES)
        view = memoryview(mmap.mmap(-1, ends[2]))
        self._head = view[: ends[0]].cast("Q")
        # An aligned number is written whole: who reads meanwhile sees the former or the new one.
        self.numbers: Any = view[ends[0] : ends[1]].cast("d")
        self._names = view[ends[1] :]
        self._places: dict[Series, int] = {}

    def add(self, metric: Metric, labels: Series, by: float = 1, *, at: int = 0) -> None:
        """Add to the number `at` a series' own place."""
        self.numbers[self.place(metric, labels) + at] += by

    def put(self, metric: Metric, labels: Series, value: float) -> None:
        """Replace a number."""
        self.numbers[self.place(metric, labels)] = value

    def read(self) -> dict[Series, list[float]]:
        """Every series that is there, with its numbers; up to where it can be read."""
        found: dict[Series, list[float]] = {}
        with suppress(ValueError, IndexError, TypeError):
            for series, place, width in self._entries():
                found[series] = self.numbers[place : place + width].tolist()
        return found

    def _entries(self) -> Iterator[tuple[Series, int, int]]:
        """Every series with its place and its width."""
        at, place, end = 0, 0, self._head[0]
        while at < end:
            length = int.from_bytes(self._names[at : at + _PREFIX - 1])
            width = self._names[at + _PREFIX - 1]
            at += _PREFIX
            yield tuple(json.loads(bytes(self._names[at : at + length]))), place, width
            at, place = at + length, place + width

    def place(self, metric: Metric, labels: Series) -> int:
        """Which of the `numbers` is a series' first; from now on it is told."""
        series = (metric.name, *labels)
        place = self._places.get(series)
        if place is None:
            place = self._places[series] = self._settle(series, metric.width)
        return place

    def _settle(self, series: Series, width: int) -> int:
        end, place = self._head[0], self._head[1]
        name = json.dumps(series).encode()
        after = end + _PREFIX + len(name)
        if after > NAMES or place + width > NUMBERS - _SPARE:
            return NUMBERS - _SPARE
        self._names[end:after] = len(name).to_bytes(_PREFIX - 1) + bytes([width]) + name
        self._head[1] = place + width
        self._head[0] = after  # last, so that what is read is there
        return place
