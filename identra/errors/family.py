"""The family: what every failure tells, and to whom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

SHORT_WAIT: Final = 5
"""Seconds to wait where an error helps by waiting and does not say how long."""

_WAITS: Final = frozenset({8, 14})


@dataclass(frozen=True, slots=True)
class FieldFault:
    """One field of a request that can't be accepted, and why, in words fit for its sender."""

    field: str
    says: str


class IdentraError(Exception):
    """A named failure: `reason` is for programs, `says` for people, `detail` for logs alone.

    `code` is the gRPC status number, `status` the HTTP one. `retry_after` is in seconds and
    present where waiting helps. `challenge` is the RFC 6750 error word on bearer routes, and
    `max_age` (RFC 9470, 3) the seconds that an authentication may be old there.
    """

    reason: ClassVar[str]
    code: ClassVar[int]
    status: ClassVar[int]
    says: str
    challenge: ClassVar[str | None] = None
    max_age: ClassVar[int | None] = None

    def __init_subclass__(
        cls, *, reason: str, code: int, status: int, says: str, challenge: str | None = None
    ) -> None:
        super().__init_subclass__()
        cls.reason, cls.code, cls.status, cls.says = reason, code, status, says
        cls.challenge = challenge

    def __init__(
        self,
        detail: str = "",
        *,
        faults: tuple[FieldFault, ...] = (),
        retry_after: int | None = None,
    ) -> None:
        super().__init__(detail or self.reason)
        self.detail = detail
        self.faults = faults
        self.retry_after = retry_after

    @property
    def wait(self) -> int | None:
        """Seconds after which trying again may help; None where it does not."""
        return max(1, self.retry_after or SHORT_WAIT) if self.code in _WAITS else None


class OperatorError(Exception):
    """Something an operator must mend: one line with the cause and, where known, the remedy."""
