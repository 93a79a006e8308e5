"""The machine: how fast it hashes, by which build, and how much a process may have open."""

from __future__ import annotations

import os
import resource
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from time import perf_counter
from typing import TYPE_CHECKING, Final

from argon2 import PasswordHasher, Type

from identra.doctor.finding import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from identra.doctor.finding import Finding
    from identra.settings.sections import Password

RATE: Final = Kind("HASH_RATE", "ok")
SLOW: Final = Kind(
    "HASH_SLOW",
    "warning",
    "Each login waits for its hash: take a faster processor, or a lower [password] cost if it is"
    " above the default.",
)
PUBLISHED: Final = Kind(
    "HASH_PUBLISHED_BUILD",
    "note",
    "Where logins wait for hashes, build argon2-cffi-bindings for this very processor, with"
    " -O3 -march=native: in a checkout, make install NATIVE=1.",
)
FEW: Final = Kind(
    "DESCRIPTORS_FEW", "warning", "Raise the limit: LimitNOFILE=65536 in the unit, or ulimit -n."
)
KINDS: Final = (RATE, SLOW, PUBLISHED, FEW)

BINDINGS: Final = "argon2-cffi-bindings"
MEASURED: Final = 0.3
"""Seconds of hashing."""
SLOWEST: Final = 1.0
"""Seconds that one hash may take."""
ENOUGH: Final = 4096
"""Descriptors: connections, pools, and what a library opens."""
PORTABLE: Final = ("manylinux", "musllinux")
"""What the platforms begin with of wheels that were built for every Linux of a kind; one that was
built on the spot says `linux`."""


@dataclass(frozen=True, slots=True)
class Seen:
    """`rate` is hashes a second on one processor of `processors`. `tags` are the wheel's own."""

    rate: float
    processors: int
    tags: tuple[str, ...]
    descriptors: int

    @property
    def published(self) -> bool:
        """Whether the wheel was built for every machine; one built on the spot names its own."""
        platforms = [tag.rpartition("-")[2] for tag in self.tags]
        return bool(platforms) and all(one.startswith(PORTABLE) for one in platforms)


def look(settings: Password) -> Seen:
    """Hash for a moment, and read what the installed build says of itself."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return Seen(_measured(settings), os.cpu_count() or 1, _tags(), soft)


def judge(seen: Seen) -> Iterator[Finding]:
    """What is to be said of the machine."""
    each = f"{seen.rate:.0f} hashes a second on one of {seen.processors} processors"
    built = "a published wheel" if seen.published else "a build made on the spot"
    kind = SLOW if seen.rate * SLOWEST < 1 else RATE
    yield kind.of(f"{each}, by {built} ({', '.join(seen.tags) or 'no tag'})")
    if seen.published:
        yield PUBLISHED.of(
            "the published wheel runs on every processor of its kind, and uses only what all have"
        )
    if 0 <= seen.descriptors < ENOUGH:
        yield FEW.of(f"a process started from here may have {seen.descriptors} files open")


def _measured(settings: Password) -> float:
    hasher = PasswordHasher(
        time_cost=settings.argon2_time,
        memory_cost=settings.argon2_memory_kib,
        parallelism=settings.argon2_parallelism,
        type=Type.ID,
    )
    hasher.hash("once, to have its memory")
    began, count = perf_counter(), 0
    while (passed := perf_counter() - began) < MEASURED or not count:
        hasher.hash("how fast is this machine")
        count += 1
    return count / passed if passed else 0.0


def _tags() -> tuple[str, ...]:
    try:
        told = distribution(BINDINGS).read_text("WHEEL") or ""
    except PackageNotFoundError:
        return ()
    lines = (line.partition(": ") for line in told.splitlines())
    return tuple(value for name, _, value in lines if name == "Tag")
