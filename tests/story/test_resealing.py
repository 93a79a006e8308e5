"""Another master key under a running service: added, put first, resealed, the old one removed."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest
from callers import access, open_house, reason, refresh, tokens
from homes import open_home
from orders import Operator

from identra.cli import run
from identra.master import MasterKeyError, read_files
from identra.nodes import Nodes

if TYPE_CHECKING:
    from pathlib import Path

    from identra.settings import Persistence

ADA = "ada@example.com"
Capture = pytest.CaptureFixture[str]


def named(folder: Path, *names: str) -> dict[str, Any]:
    return {"keys": {"master_key_files": [str(folder / name) for name in names]}}


def make(folder: Path) -> None:
    assert run(["keys", "new-master-key", str(folder / "new.key")]) == 0


async def test_the_master_key_changes_by_the_two_file_way(
    tmp_path: Path, persistence: Persistence, capsys: Capture
) -> None:
    async with open_house(tmp_path, persistence) as house:
        _, pair = await house.owner(ADA)
        jwks = house.app.keys.published()
    make(tmp_path)
    added = named(tmp_path, "master.key", "new.key")
    async with open_house(tmp_path, persistence, sections=added) as house:
        assert tokens(await house.caller().refresh(refresh(pair)))
    first = named(tmp_path, "new.key", "master.key")
    async with open_house(tmp_path, persistence, sections=first) as house:
        operator = Operator(house.settings, capsys)
        assert await operator.order("reseal") == {"resealed": 2}
        new = read_files([tmp_path / "new.key"]).first.key_id
        assert {key["sealed_by"] for key in await operator.keys()} == {new}
        assert await operator.order("reseal") == {"resealed": 0}
        await house.app.keys.load()
        assert reason(await house.caller().info(access(pair))) == "200"
        t = house.app.database.tables.events
        assert len(await house.app.database.fetch(t.select().where(t.name == "key.resealed"))) == 1
    (tmp_path / "master.key").unlink()
    alone = named(tmp_path, "new.key")
    async with open_house(tmp_path, persistence, sections=alone) as house:
        assert house.app.keys.published() == jwks
        assert tokens(await house.caller().refresh(refresh(pair)))


async def test_it_is_refused_while_a_node_that_is_up_lacks_the_new_master_key(
    tmp_path: Path, persistence: Persistence, capsys: Capture
) -> None:
    """That node could read the ring no more. What is new is sealed by a key that it holds."""
    async with open_home(tmp_path, persistence) as late:
        old = read_files([tmp_path / "master.key"]).first.key_id
        make(tmp_path)
        (tmp_path / "other").mkdir()
        first = named(tmp_path, "new.key", "master.key")
        async with open_house(tmp_path / "other", persistence, sections=first) as house:
            operator = Operator(house.settings, capsys)
            before = await operator.keys()
            told = await operator.refused("reseal")
            assert "1 processes are up without master key" in told
            assert "add its file to their keys.master_key_files" in told
            assert await operator.keys() == before
            active = [["revoke", key["kid"], "--yes"] for key in before]
            for words in (["add"], ["rotate", "--secret", "--yes"], active[0], active[1]):
                await operator.order(*words)
            assert {key["sealed_by"] for key in await operator.keys()} == {old}
            await late.keys.load()


async def test_an_emergency_waits_for_no_node(
    tmp_path: Path, persistence: Persistence, capsys: Capture
) -> None:
    """A node that holds none of our master keys is left behind; a usual rotation waits for it."""
    async with open_home(tmp_path, persistence, sections=named(tmp_path, "master.key")) as app:
        stranger = Nodes(app.database, holds=["a master key that nobody else has"])
        await stranger.announce()
        operator = Operator(tmp_path / "identra.toml", capsys)
        kid = await operator.kid(state="active", purpose="sig")
        assert "1 processes are up without" in await operator.refused("add")
        assert "1 processes are up without" in await operator.refused("rotate", "--secret", "--yes")
        done = (await operator.order("revoke", kid, "--yes"))["done"]
        assert [each["did"] for each in done] == ["revoked", "made"]


async def test_a_key_that_no_master_key_at_hand_opens_stops_it(
    tmp_path: Path, persistence: Persistence, capsys: Capture
) -> None:
    async with open_home(tmp_path, persistence):
        pass
    shutil.move(tmp_path / "master.key", tmp_path / "old.key")
    make(tmp_path)
    with pytest.raises(MasterKeyError, match="put that file back"):
        async with open_home(tmp_path, persistence, sections=named(tmp_path, "new.key")):
            pass
    operator = Operator(tmp_path / "identra.toml", capsys)
    assert "put that file back" in await operator.refused("reseal")
