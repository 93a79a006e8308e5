"""Master keys and the ring: whether they open, who else can read them, and what is due."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from identra.doctor.finding import Kind
from identra.values import HOUR, rfc3339

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from identra.doctor.finding import Finding
    from identra.keys import Due, KeyRow
    from identra.settings import SettingsTree

READY: Final = Kind("RING_READY", "ok")
NEW: Final = Kind("MASTER_KEY_NEW", "note", "Start the service: with SQLite it makes one itself.")
REFUSED: Final = Kind(
    "MASTER_KEY_REFUSED",
    "error",
    "Put the file back, mode 0600, the service its owner; before the first start `identra keys"
    " init`.",
)
FOLDER: Final = Kind(
    "MASTER_KEY_FOLDER", "error", "Take others' right to write from the folder: chmod go-w."
)
SHUT: Final = Kind(
    "RING_SHUT",
    "error",
    "Put back the master key that sealed the ring; for an empty one run `identra keys init`.",
)
OVERDUE: Final = Kind(
    "RING_OVERDUE",
    "error",
    "Run `identra keys rotate`, by a timer if keys.rotate_in_server is false, and look at the log.",
)
STILL: Final = Kind(
    "RING_STILL", "warning", "Set keys.rotate_every, such as 90d, or rotate by hand in time."
)
BY_TIMER: Final = Kind("RING_BY_TIMER", "note", "Have a timer run `identra keys rotate` each hour.")
MIXED: Final = Kind(
    "RING_MIXED", "note", "Once every node has the first master key, run `identra keys reseal`."
)
KINDS: Final = (READY, NEW, REFUSED, FOLDER, SHUT, OVERDUE, STILL, BY_TIMER, MIXED)

GRACE: Final = HOUR
"""A step that is later than this was forgotten, not only not yet taken."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The ring's rows, the id of the master key that seals, and the steps that are foreseen."""

    rows: tuple[KeyRow, ...]
    first: str
    due: tuple[Due, ...]


def look_at_folders(paths: Sequence[Path]) -> Iterator[Finding]:
    """Whether anybody else could put another file in a master key's place."""
    for folder in sorted({path.resolve().parent for path in paths}):
        mode = folder.stat().st_mode if folder.is_dir() else 0
        if mode & (stat.S_IWGRP | stat.S_IWOTH) and not mode & stat.S_ISVTX:
            yield FOLDER.of(f"others may write in {folder}")


def judge(tree: SettingsTree, seen: Seen, now: int) -> Iterator[Finding]:
    """What is to be said of a ring that could be opened."""
    late = [due for due in seen.due if now - due.at > GRACE]
    for due in late:
        yield OVERDUE.of(f"{due.step.name} {due.step.kid or 'a new key'} since {rfc3339(due.at)}")
    if tree.keys.rotate_every is None:
        yield STILL.of('keys.rotate_every is "never"')
    elif not tree.keys.rotate_in_server:
        yield BY_TIMER.of("keys.rotate_in_server is false")
    others = {row.sealed_by for row in seen.rows if row.sealed_by} - {seen.first}
    if others:
        yield MIXED.of(f"keys are sealed by master key {', '.join(sorted(others))}")
    active = next((r for r in seen.rows if r.state == "active" and r.purpose == "sig"), None)
    if active and not late:
        following = seen.due[0] if seen.due else None
        then = f"; {following.step.name} at {rfc3339(following.at)}" if following else ""
        yield READY.of(f"{active.algorithm} key {active.kid} signs{then}")
