"""SIGKILL before every single change that an order of the ring makes: the ring is valid, and the
next run completes.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import running
from homes import write_settings

from identra.app import make_first_keys, opened_database, opening
from identra.settings import load

if TYPE_CHECKING:
    from pathlib import Path

    from identra.settings import Persistence

DYING = """
import os, signal, sys
from identra.cli import run
from identra.db.engine import Database, Transaction
from identra.db.migrations import migrate

left = int(sys.argv[1])
change, leave = Database.change, Transaction.__aexit__

def step():
    global left
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)
    left -= 1

async def changing(self, query):
    if "identra_keys" in str(query) or "identra_events" in str(query):
        step()
    return await change(self, query)

async def leaving(self, *how):
    step()
    return await leave(self, *how)

Database.change, Transaction.__aexit__ = changing, leaving
sys.exit(run(sys.argv[2:]))
"""
MOST = 40
LONG = pytest.mark.long
ORDERS = [
    "rotate --now",
    "revoke",
    *(pytest.param(order, marks=LONG) for order in ("promote", "rotate --secret", "reseal")),
]
SIGNING = {"state": "active", "purpose": "sig"}


def dying(after: int, *words: str) -> int:
    """Run a command that is killed before its next change, `after` of them; its exit code."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("IDENTRA_")}
    command = [sys.executable, "-c", DYING, str(after), *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=clean)
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode


async def ring(file: Path) -> list[dict[str, Any]]:
    """The rows of a ring that can be opened: one key signs, one secret proves, one may wait."""
    loaded = load(file, {})
    async with opened_database(loaded) as db:
        await opening.ring(loaded.tree, db, opening.system_clock).load()
        rows = await db.fetch(db.tables.keys.select())
    states = [(row["purpose"], row["state"]) for row in rows]
    assert states.count(("sig", "active")) == states.count(("mac", "active")) == 1
    assert states.count(("sig", "passive")) <= 1
    return rows


def holds(rows: list[dict[str, Any]], **which: str) -> list[str]:
    return [row["id"] for row in rows if which.items() <= row.items()]


@pytest.mark.parametrize("persistence", ["sqlite"], indirect=True)
@pytest.mark.parametrize("order", ORDERS)
async def test_an_order_that_is_killed_anywhere_is_done_whole_or_not_at_all(
    tmp_path: Path, persistence: Persistence, order: str
) -> None:
    sections = {"keys": {"algorithm": "ES256", "master_key_files": [str(tmp_path / "master.key")]}}
    file = write_settings(tmp_path, persistence, sections=sections)
    loaded = load(file, {})
    async with opened_database(loaded) as db:
        await make_first_keys(loaded, db)
        words = _order(tmp_path, persistence, file, order)
        t = db.tables.keys
        await db.change(t.update({t.created_at: 0}).where(t.state == "passive"))
    kills, before = 0, await ring(file)
    while dying(kills, *words, "--config", str(file)):
        kills += 1
        assert kills < MOST
        now = await ring(file)
        if order != "reseal":
            assert now == before
    assert kills >= (2 if order == "reseal" else 3)
    after = await ring(file)
    assert after != before
    if order == "reseal":
        assert len(holds(after, sealed_by=after[0]["sealed_by"])) == len(after)


def _order(folder: Path, place: Persistence, file: Path, order: str) -> list[str]:
    """The words of an order, once everything is there that it needs."""
    signing = running.command(file, "keys", "list", "--json")
    kid = next(k["kid"] for k in json.loads(signing)["keys"] if SIGNING.items() <= k.items())
    if order == "reseal":
        new = str(folder / "new.key")
        running.command(file, "keys", "new-master-key", new)
        files = [new, str(folder / "master.key")]
        write_settings(folder, place, sections={"keys": {"master_key_files": files}})
    waiting = ""
    if order == "promote":
        added = running.command(file, "keys", "add", "--json")
        waiting = json.loads(added)["done"][0]["kid"]
    return {
        "rotate --now": ["keys", "rotate", "--now", "--yes"],
        "promote": ["keys", "promote", waiting],
        "rotate --secret": ["keys", "rotate", "--secret", "--yes"],
        "revoke": ["keys", "revoke", kid, "--yes"],
        "reseal": ["keys", "reseal"],
    }[order]
