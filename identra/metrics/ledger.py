"""The parent's book: a sheet for each worker that lives, and the sums of those that ended."""

from __future__ import annotations

import math
import platform
from importlib.metadata import version
from typing import TYPE_CHECKING, TypeAlias

from identra.metrics import catalogue as of
from identra.metrics.meter import Pen
from identra.metrics.sheet import Sheet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from identra.metrics.catalogue import Merging, Metric
    from identra.metrics.sheet import Series

Told: TypeAlias = dict[tuple[str, ...], list[float]]
"""A metric's numbers by the values of its labels."""

_MERGE: dict[Merging, Callable[[Iterable[float]], float]] = {"sum": sum, "max": max, "min": min}


class Ledger:
    """Numbers of all workers. What one counted stays when it ends; what it showed does not."""

    def __init__(self, wanted: int) -> None:
        self._next = Sheet()
        self._sheets: dict[int, tuple[int, Sheet]] = {}
        self._own = Sheet()
        self._wanted = wanted
        self._ended: dict[Series, list[float]] = {}

    def prepare(self) -> None:
        """Lay a blank sheet out for the worker that is forked next."""
        self._next = Sheet()

    def pen(self) -> Pen:
        """In a worker: the pen for the sheet that was laid out for it."""
        return Pen(self._next)

    def started(self, pid: int) -> None:
        """A worker has taken the sheet that was laid out."""
        taken = {number for number, _ in self._sheets.values()}
        number = next(n for n in range(1, len(taken) + 2) if n not in taken)
        self._sheets[pid] = (number, self._next)

    def ended(self, pid: int, by: str) -> None:
        """A worker has ended: keep what it counted."""
        _, sheet = self._sheets.pop(pid)
        counted = {metric.name for metric in of.EVERY if metric.kind != "gauge"}
        for series, numbers in sheet.read().items():
            if series[0] in counted:
                self._ended[series] = _added(self._ended.get(series), numbers)
        self._own.add(of.WORKER_ENDS, (by,))

    def tell(self) -> list[tuple[Metric, Told]]:
        """Every metric with its numbers as they are now."""
        self._show_own()
        sheets = {str(number): sheet.read() for number, sheet in self._sheets.values()}
        sheets |= {"": self._own.read(), "ended": self._ended}
        return [(metric, _merge(metric, sheets)) for metric in of.EVERY]

    def _show_own(self) -> None:
        self._own.put(of.WORKERS, (), len(self._sheets))
        self._own.put(of.WORKERS_WANTED, (), self._wanted)
        self._own.put(of.BUILD, (version("identra"), platform.python_version()), 1)


def _merge(metric: Metric, sheets: dict[str, dict[Series, list[float]]]) -> Told:
    found: dict[Series, dict[str, list[float]]] = {}
    for worker, sheet in sheets.items():
        for series, numbers in sheet.items():
            if series[0] == metric.name and not math.isnan(numbers[0]):
                found.setdefault(series[1:], {})[worker] = numbers
    if metric.merging == "each":
        return {(*s, worker): n for s, by in found.items() for worker, n in by.items()}
    merge = _MERGE[metric.merging]
    return {
        labels: [merge(column) for column in zip(*by.values(), strict=True)]
        for labels, by in found.items()
    }


def _added(former: Sequence[float] | None, numbers: list[float]) -> list[float]:
    return [a + b for a, b in zip(former, numbers, strict=True)] if former else numbers
