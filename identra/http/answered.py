"""What is told of an answer: a line in the log, and a number for whoever watches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from identra.http.routes import OLDER

if TYPE_CHECKING:
    from identra.meter import Meter
    from identra.values import Peer

log = structlog.get_logger("identra.http")


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer as it leaves. `method` and `route` are "-" where no route was found.

    `route` is the route's template: no value of the caller's is in it. `status` is 0 where nobody
    waits for it any more. `reason` and `detail` are of a failure, else empty.
    """

    method: str
    route: str
    status: int
    seconds: float
    reason: str = ""
    detail: str = ""

    def count(self, meter: Meter) -> None:
        """Tell whoever watches."""
        meter.answered(
            self.route.removeprefix(OLDER),
            self.method,
            str(self.status) if self.status else "left",
            reason=self.reason,
            detail=self.detail,
            seconds=self.seconds,
        )

    def log(self, end: Peer) -> None:
        """Write its line."""
        said = {
            "method": self.method,
            "route": self.route,
            "ms": round(self.seconds * 1000, 1),
            "request_id": end.request_id,
            "attempt_id": end.attempt_id,
            "peer": end.address,
        }
        if not self.status:
            log.info("caller left", **said)
            return
        cause = {"reason": self.reason or None, "detail": self.detail or None}
        log.info("answered", **said, status=self.status, **cause)
