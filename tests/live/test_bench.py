"""`python -m bench --quick` measures everything once and writes its tables. No speed is judged."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PATIENCE = 300
RATE = r"[0-9]+ \([0-9]+-[0-9]+\)"
MEASURED = (
    "bare Sanic",
    "SQL of a refresh",
    "RS256 signature",
    "argon2id",
    "GET /healthz",
    "GET /.well-known/jwks.json",
    "GET /.well-known/jwks.json (304)",
    "POST /me/login-info",
    "POST /token/refresh",
    "gRPC RefreshToken",
    "POST /password/login",
    "POST /password/register",
)


def row(what: str, cell: str) -> re.Pattern[str]:
    return re.compile(rf"^\| {re.escape(what)} +\| +{cell} +\|", re.MULTILINE)


def chapter(report: str, title: str) -> str:
    """What stands under a heading, up to the next."""
    return report.partition(f"## {title}\n")[2].partition("\n## ")[0]


@pytest.mark.long
def test_the_quick_run_measures_everything_and_writes_its_tables(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--quick", "--results", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    (file,) = tmp_path.iterdir()
    report = file.read_text()
    assert report in done.stdout
    assert row("identra serve, data there", RATE).search(chapter(report, "Starting"))
    assert row("identra --help", RATE).search(chapter(report, "Starting"))
    measured = [store for store in ("SQLite", "PostgreSQL with Redis") if f"## {store}," in report]
    assert measured[:1] == ["SQLite"]
    assert len(measured) == 2 or "\nSkipped: " in report
    growth = chapter(report, "SQLite: 1,000 users and 3,000")
    for what in ("POST /password/login", "POST /me/login-info", "POST /token/refresh"):
        assert row(what, r"[0-9.]+").search(growth), what
    found = chapter(report, "SQLite: finding among 3,000 users")
    for what in ("all: any page", "prefix of some", "RSS MiB"):
        assert row(what, r"[0-9.]+").search(found), what
    if len(measured) == 2:
        copied = chapter(report, "Copying 3,000 users from SQLite to PostgreSQL with Redis")
        for what in ("5%", "95%", "users a second"):
            assert row(what, r"[0-9]+").search(copied), what
    for store in measured:
        title = f"{store}, 1 worker"
        for what in MEASURED:
            assert row(what, RATE).search(chapter(report, title)), what
        beside = chapter(report, f"{title}: beside a storm of logins")
        for what in ("GET /.well-known/jwks.json", "POST /me/login-info", "POST /token/refresh"):
            assert row(what, r"[0-9.]+").search(beside), what
        storm = chapter(report, f"{title}: the storm")
        assert row("judged a second", RATE).search(storm)
        memory = chapter(report, f"{title}: memory in MiB")
        assert row("Identra: worker 1", r"[0-9]+").search(memory)
