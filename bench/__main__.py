"""`python -m bench`: measure, and write tables to the terminal and to bench/results/."""

from __future__ import annotations

import argparse
import os
import platform
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from bench import RESULTS, ROOT, finding, growth, metering, moving, startup, table
from bench.setting import Setting, measure
from bench.stores import STORES, Missing, opened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.stores import Store

QUICK = {"rounds": 1, "seconds": 0.1, "workers": [1], "users": 3_000, "askers": 5}
WHOLE = {"rounds": 5, "seconds": 1.5, "workers": [1, 2], "users": 1_000_000, "askers": 400}
APART = {"starting", "growing", "finding", "copying"}
ONLY = ("storm", "metrics", *sorted(APART))
"""Parts that are no route of a setting, each with tables of its own."""


def main() -> int:
    """Run what was asked for."""
    asked = _read_arguments()
    asked.results.mkdir(exist_ok=True)
    report = asked.results / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}.md"
    with report.open("w", encoding="utf-8") as file:
        for part in _parts(asked):
            print(part, flush=True)
            print(part, file=file, flush=True)
    print(f"written to {report}")
    return 0


def _parts(asked: argparse.Namespace) -> Iterator[object]:
    yield _head()
    if asked.only in {"", "starting"}:
        yield table.starts(startup.measure(asked.rounds))
    for name in asked.store:
        try:
            with opened(name) as store:
                yield from _measured(store, asked)
        except Missing as missing:
            yield f"## {name}\n\nSkipped: {missing}.\n"


def _measured(store: Store, asked: argparse.Namespace) -> Iterator[object]:
    if asked.only not in APART:
        for workers in asked.workers:
            ask = metering.measure if asked.only == "metrics" else measure
            yield from ask(store, _setting(asked, workers))
    # To see that it works, one store is enough.
    if asked.only in {"", "growing"} and not (asked.quick and store.copied_to):
        among = growth.Growth(asked.users, asked.askers, asked.rounds, asked.seconds)
        yield growth.measure(store, among)
    if asked.only in {"", "finding"} and not (asked.quick and store.copied_to):
        title = f"{store.name}: finding among {asked.users:,} users"
        yield table.finding(title, finding.measure(store, asked.users, asked.rounds))
    if asked.only in {"", "copying"} and store.copied_to:
        title = f"Copying {asked.users:,} users from SQLite to {store.name}"
        yield table.copied(title, moving.measure(store, asked.users))


def _setting(asked: argparse.Namespace, workers: int) -> Setting:
    return Setting(workers, asked.rounds, asked.seconds, asked.algorithm, asked.only)


def _read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="see in 30 s that it works at all")
    parser.add_argument("--rounds", type=int, help="turns of each subject and floor")
    parser.add_argument("--seconds", type=float, help="length of a turn")
    parser.add_argument("--workers", type=int, nargs="+", help="numbers of workers, by turns")
    parser.add_argument("--store", nargs="+", choices=list(STORES), default=list(STORES))
    parser.add_argument("--algorithm", choices=["RS256", "ES256", "EdDSA"], default="RS256")
    parser.add_argument("--only", default="", help=f"{', '.join(ONLY)}, or a route")
    parser.add_argument(
        "--users", type=int, help="how many are many, when growing, finding and copying"
    )
    parser.add_argument("--askers", type=int, help="how many of them ask")
    parser.add_argument("--results", type=Path, default=RESULTS, help="a folder for the report")
    parser.set_defaults(**(QUICK if "--quick" in sys.argv else WHOLE))
    return parser.parse_args()


def _head() -> str:
    """What was measured, where, and in what company."""
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        capture_output=True, text=True, check=False, cwd=ROOT,
    )  # fmt: skip
    words = " ".join(["python -m bench", *sys.argv[1:]])
    facts = (
        f"{os.cpu_count()} processors ({platform.machine()}), load {os.getloadavg()[0]:.1f}",
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}",
        f"Identra at {done.stdout.strip() or 'an unknown commit'}",
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
    )
    return "\n".join([f"# `{words}`", "", *(f"- {fact}" for fact in facts), ""])


if __name__ == "__main__":
    sys.exit(main())
