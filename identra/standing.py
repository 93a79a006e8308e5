"""How a peer stands with her allowances, and how she is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Standing:
    """How a peer stands with an allowance: of `most` acts in a `window` so many are `remaining`.

    It is whole again in `seconds`; 0 where nothing of it is spent.
    """

    name: str
    most: int
    window: int
    remaining: int
    seconds: int


def fields_of(standings: Iterable[Standing]) -> dict[str, str]:
    """The fields of an answer (draft-ietf-httpapi-ratelimit-headers-10); none without a standing.

    `RateLimit-Policy` says of each allowance its quota and window, `RateLimit` what remains of
    it, and the seconds until it is whole again: Structured Fields (RFC 9651), both.
    """
    told = list(standings)
    if not told:
        return {}
    policies = (f'"{one.name}";q={one.most};w={one.window}' for one in told)
    limits = (f'"{one.name}";r={one.remaining};t={one.seconds}' for one in told)
    return {"RateLimit-Policy": ", ".join(policies), "RateLimit": ", ".join(limits)}
