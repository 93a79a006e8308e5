"""Counting sign-ins that fail, where they fail."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from identra.errors import IdentraError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from identra.meter import Meter
    from identra.values import Method

UNKNOWN: Final = "-"
"""The provider of a sign-in that failed before it was known."""

SUCCEEDED: Final = "succeeded"


@contextmanager
def counting_failure(meter: Meter, provider: str, method: str) -> Iterator[None]:
    """Count what fails inside, by its reason."""
    try:
        yield
    except IdentraError as failure:
        meter.login(provider, method, failure.reason)
        raise


def method_of(amr: tuple[Method, ...]) -> str:
    """How somebody signs in, in a word: an OAuth place does not say by which methods."""
    return "+".join(amr) or "oauth"
