"""An operator sees what did not arrive, tries a target, and has things sent again."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from homes import write_settings
from standin.receiver import SECRET, Receiver
from standin.sites import open_site
from told import open_post, target

from identra.app.opening import system_clock
from identra.cli import run
from identra.dispatches import WAITING
from identra.values import SECOND

if TYPE_CHECKING:
    from pathlib import Path

    from clock import FrozenClock

    from identra.db import Database
    from identra.settings import Persistence

ADA = "01900000-0000-7000-8000-00000000000a"
Capture = pytest.CaptureFixture[str]


def settings(folder: Path, place: Persistence, url: str, **said: Any) -> Path:
    section = {"url": url, "secrets": [SECRET], "allow_private": True}
    return write_settings(folder, place, sections={"webhooks.app": section | said})


async def ask(file: Path, capsys: Capture, *words: str, code: int = 0) -> Any:
    """What a command of `identra webhooks` tells as JSON; of a refusal its line."""
    capsys.readouterr()
    said = ["webhooks", *words, "--config", str(file), "--json"]
    assert await asyncio.to_thread(run, said) == code
    told = capsys.readouterr()
    return json.loads(told.out) if told.out else told.err


async def test_what_was_given_up_is_shown_and_sent_again(
    tmp_path: Path,
    persistence: Persistence,
    database: Database,
    clock: FrozenClock,
    capsys: Capture,
) -> None:
    """In the order of its lane; and so is a target that was gone called again."""
    receiver = Receiver(reply=lambda _: httpx.Response(410))
    with open_site(receiver) as site:
        file = settings(tmp_path, persistence, site.base_url)
        async with open_post(database, clock, target(site.base_url)) as post:
            for name in ("user.created", "user.disabled"):
                await post.events.record(name, user_id=ADA)
            await post.deliver()
            await post.deliver()
            (listed,) = (await ask(file, capsys, "list"))["webhooks"]
            assert (listed["state"], listed["waiting"], listed["dead"]) == ("gone", 0, 2)
            shown = (await ask(file, capsys, "show", "app"))["dispatches"]
            assert [one["event"] for one in shown] == ["user.disabled", "user.created"]
            (one,) = (await ask(file, capsys, "show", shown[1]["event_id"]))["dispatches"]
            assert json.loads(one["body"])["data"] == {"user_id": ADA}
            assert (one["state"], one["outcome"], one["tries"]) == ("dead", "status 410", 1)
            receiver.reply = lambda _: httpx.Response(204)
            clock.instant = soon()
            assert await ask(file, capsys, "replay", "app") == {"replayed": 2}
            clock.instant = soon()
            await post.deliver()
            assert receiver.types() == ["user.created", "user.disabled"]
            again = await ask(file, capsys, "replay", "app", "--id", shown[1]["event_id"])
            assert again == {"replayed": 1}
            clock.instant = soon()
            await post.deliver()
            assert receiver.types()[2:] == ["user.created"]
            (listed,) = (await ask(file, capsys, "list"))["webhooks"]
            assert (listed["state"], listed["waiting"], listed["dead"]) == ("on", 0, 0)


def soon() -> int:
    """A little later: commands go by the database's own clock."""
    return system_clock() + 2 * SECOND


@pytest.mark.parametrize("persistence", ["sqlite"], indirect=True)
async def test_what_waits_is_sent_at_once_and_has_all_its_tries_again(
    tmp_path: Path,
    persistence: Persistence,
    database: Database,
    clock: FrozenClock,
    capsys: Capture,
) -> None:
    receiver = Receiver(reply=lambda _: httpx.Response(500))
    with open_site(receiver) as site:
        file = settings(tmp_path, persistence, site.base_url)
        clock.instant = soon()
        async with open_post(database, clock, target(site.base_url)) as post:
            await post.events.record("user.created", user_id=ADA)
            await post.deliver()
            (row,) = await post.rows()
            assert (row["state"], row["tries"]) == (WAITING, 1)
            assert await ask(file, capsys, "replay", "app") == {"replayed": 1}
            clock.instant = soon()
            (row,) = await post.rows()
            assert (row["state"], row["tries"]) == (WAITING, 0)
            assert row["due_at"] <= clock()


@pytest.mark.parametrize("persistence", ["sqlite"], indirect=True)
async def test_a_test_event_tells_what_came_back(
    tmp_path: Path, persistence: Persistence, capsys: Capture
) -> None:
    receiver = Receiver()
    with open_site(receiver) as site:
        file = settings(tmp_path, persistence, site.base_url, events=["session.theft"])
        told = await ask(file, capsys, "send-test", "app")
        assert told == {"target": "app", "fate": "delivered", "outcome": "status 204"}
        (message,) = receiver.heard
        assert message.type == "webhook.test"
        assert message.body["data"] == {"target": "app"}
        receiver.reply = lambda _: httpx.Response(500)
        told = await ask(file, capsys, "send-test", "app", code=1)
        assert (told["fate"], told["outcome"]) == ("failed", "status 500")
    told = await ask(file, capsys, "send-test", "app", code=1)
    assert told["outcome"] == "ConnectError"


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("show", "other"), "no target, dispatch or event other"),
        (("replay", "other"), "no [webhooks.other]"),
        (("send-test", "other"), "no [webhooks.other]"),
    ],
    ids=["show", "replay", "send-test"],
)
@pytest.mark.parametrize("persistence", ["sqlite"], indirect=True)
async def test_a_name_that_is_not_there_is_told(
    tmp_path: Path, persistence: Persistence, capsys: Capture, words: tuple[str, ...], why: str
) -> None:
    file = settings(tmp_path, persistence, "http://127.0.0.1:1/")
    assert why in await ask(file, capsys, *words, code=1)


@pytest.mark.parametrize("persistence", ["sqlite"], indirect=True)
async def test_a_target_that_the_settings_no_longer_name_is_told_too(
    tmp_path: Path,
    persistence: Persistence,
    database: Database,
    clock: FrozenClock,
    capsys: Capture,
) -> None:
    file = settings(tmp_path, persistence, "http://127.0.0.1:1/")
    async with open_post(database, clock, target("http://127.0.0.1:1/", "old")) as post:
        await post.events.record("user.created", user_id=ADA)
    listed = (await ask(file, capsys, "list"))["webhooks"]
    told = [(one["target"], one["state"], one["waiting"]) for one in listed]
    assert told == [("app", "on", 0), ("old", "not in the settings", 1)]
