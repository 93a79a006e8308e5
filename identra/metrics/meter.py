"""A worker's pen: writes what happens into its sheet."""

from __future__ import annotations

import math
from bisect import bisect_left
from typing import TYPE_CHECKING

from identra.metrics import catalogue as of
from identra.metrics.causes import KINDS, cause_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from identra.metrics.catalogue import Metric
    from identra.metrics.sheet import Series, Sheet

_ENDINGS = frozenset({"session.revoked", "session.theft"})
_SUM = len(of.BUCKETS) + 1
_GAUGES = {metric.name: metric for metric in of.EVERY if metric.kind == "gauge"}


class Pen:
    """Keeps the `Meter` contract of `identra.values` on a sheet."""

    on = True

    def __init__(self, sheet: Sheet) -> None:
        self._sheet = sheet
        self._answers: dict[Series, tuple[int, int]] = {}
        self._shown: set[Series] = set()
        for metric in of.EVERY:
            for labels in metric.known:
                sheet.place(metric, labels)

    def answered(  # noqa: PLR0913 - what a line of the log says
        self,
        route: str,
        method: str,
        status: str,
        *,
        reason: str,
        detail: str,
        seconds: float,
    ) -> None:
        """Count a request, and how long it took."""
        answered = (route, method, status, reason)
        places = self._answers.get(answered) or self._look_up(answered)
        numbers = self._sheet.numbers
        numbers[places[0]] += 1
        numbers[places[1] + bisect_left(of.BUCKETS, seconds)] += 1
        numbers[places[1] + _SUM] += seconds
        if reason and (token := KINDS.get(reason)):
            self._refuse(token, detail)

    def token_refused(self, detail: str) -> None:
        """Count a refused access token."""
        self._refuse("access", detail)

    def recorded(self, event: str, facts: Mapping[str, str]) -> None:
        """Count an event."""
        self._sheet.add(of.EVENTS, (event,))
        if event in _ENDINGS:
            ended = int(facts.get("sessions", "1"))
            self._sheet.add(of.SESSIONS_REVOKED, (facts["reason"],), ended)

    def login(self, provider: str, method: str, outcome: str) -> None:
        """Count a sign-in."""
        self._sheet.add(of.LOGINS, (provider, method, outcome))

    def mail(self, outcome: str, letters: int = 1) -> None:
        """Count letters."""
        self._sheet.add(of.MAIL, (outcome,), letters)

    def provider_called(self, provider: str, outcome: str, seconds: float) -> None:
        """Count a call to a provider, and how long it took."""
        self._sheet.add(of.PROVIDER_CALLS, (provider, outcome))
        self._observe(of.PROVIDER_SECONDS, (provider,), seconds)

    def plugin_failed(self, plugin: str, call: str) -> None:
        """Count a failed call into a plugin."""
        self._sheet.add(of.PLUGIN_FAILURES, (plugin, call))

    def webhook(self, target: str, outcome: str) -> None:
        """Count a dispatch of a webhook."""
        self._sheet.add(of.WEBHOOKS, (target, outcome))

    def show(self, gauges: Mapping[Series, float]) -> None:
        """Replace what all gauges show; what is not among them is told no more."""
        for name, *labels in self._shown - gauges.keys():
            self._sheet.put(_GAUGES[name], tuple(labels), math.nan)
        for (name, *labels), value in gauges.items():
            self._sheet.put(_GAUGES[name], tuple(labels), value)
        self._shown = set(gauges)

    def _look_up(self, answered: Series) -> tuple[int, int]:
        """Where the numbers of such an answer are: this is on the path of every request."""
        places = (
            self._sheet.place(of.REQUESTS, answered),
            self._sheet.place(of.REQUEST_SECONDS, answered[:1]),
        )
        self._answers[answered] = places
        return places

    def _refuse(self, token: str, detail: str) -> None:
        self._sheet.add(of.TOKENS_REFUSED, (token, cause_of(token, detail)))

    def _observe(self, metric: Metric, labels: Series, seconds: float) -> None:
        self._sheet.add(metric, labels, at=bisect_left(of.BUCKETS, seconds))
        self._sheet.add(metric, labels, seconds, at=_SUM)
