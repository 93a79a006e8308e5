"""Numbers in Prometheus' text format."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.registry import Collector

from identra.metrics.catalogue import BUCKETS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from prometheus_client.core import Metric as Family

    from identra.metrics.catalogue import Metric
    from identra.metrics.ledger import Told

BOUNDS: Final = (*(str(bound) for bound in BUCKETS), "+Inf")


def write(tell: Callable[[], list[tuple[Metric, Told]]]) -> bytes:
    """What is told, as Prometheus reads it."""
    registry = CollectorRegistry()
    registry.register(_Told(tell))
    return generate_latest(registry)


class _Told(Collector):
    def __init__(self, tell: Callable[[], list[tuple[Metric, Told]]]) -> None:
        self._tell = tell

    def describe(self) -> list[Family]:
        """Nothing: who registers this need not ask it for its numbers at once."""
        return []

    def collect(self) -> Iterator[Family]:
        for metric, told in self._tell():
            family = _family(metric)
            for labels, numbers in told.items():
                _add(family, metric, labels, numbers)
            yield family


def _family(metric: Metric) -> Any:
    kinds = {
        "counter": CounterMetricFamily,
        "gauge": GaugeMetricFamily,
        "histogram": HistogramMetricFamily,
    }
    return kinds[metric.kind](metric.name, metric.says, labels=metric.told_labels)


def _add(family: Any, metric: Metric, labels: tuple[str, ...], numbers: list[float]) -> None:
    if metric.kind != "histogram":
        family.add_metric(labels, numbers[0])
        return
    *buckets, total = numbers
    family.add_metric(labels, list(zip(BOUNDS, accumulate(buckets), strict=True)), total)
