"""The attacker asks about hundreds of addresses with a stopwatch in her hand, those of users and
those of nobody mixed: the answers are the same to the byte, and no times tell them apart.
"""

from __future__ import annotations

import json
import random
from contextlib import contextmanager
from statistics import median
from typing import TYPE_CHECKING, Any

import pytest
import running
from argon2 import PasswordHasher
from homes import PASSWORD, write_settings
from installing import installed
from odds import odds
from postbox import open_post_office
from stopwatch import Act, Stopwatch, watching
from town import prepare

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from identra.settings import Persistence

EACH = 400
"""Addresses of each sort."""
CHANCE_ALONE = 0.001
"""As small as p must be for a difference to be one."""
TURNS = 2
"""What is found to differ is measured again, with other addresses: of a hundred comparisons one
in ten is that far apart by chance, but none twice.
"""
UNKNOWN = "nobody"
WRONG = "not the right password"
AT = "2026-01-31T12:00:00Z"
KNOWN: dict[str, dict[str, Any]] = {
    "proved": {},
    "proved-without-password": {"secrets": []},
    "claimed": {"proved_at": None},
    "disabled": {"disabled_at": AT},
    "spoken-to-in-japanese": {"locale": "ja"},
}
RESET = "/password/reset"
ACTS = {
    "a login by password": Act("/password/login", {"password": WRONG}),
    "asking for a code": Act("/email/code", {"use_html": True}),
    "a login by a wrong code": Act("/email/login", {"code": "000000"}),
    "a registration": Act("/password/register", {"password": WRONG}),
    "asking for a new password": Act(RESET, {}),
    "what comes after that": Act(RESET, {}, then="/healthz"),
}
PATIENCE = 5
"""Turns within which a difference that is there is found, whatever else the machine does."""
SLOW = "slow"
PROJECT = """
[project]
name = "identra-slow"
version = "1.0"
[project.entry-points.identra]
slow = "identra_slow"
"""
SOURCE = f"""
import asyncio
from identra.plugin import hookimpl

contract = 1

@hookimpl
async def check_password(choice):
    if choice.email.startswith("{SLOW}"):
        await asyncio.sleep(0.002)
"""


@pytest.mark.long
@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
def test_no_times_tell_who_has_an_account(
    tmp_path: Path, persistence: Persistence, act: Act, request: pytest.FixtureRequest
) -> None:
    """Each sort of users on its own against nobody, by a permutation test on the medians."""
    seed = request.config.getoption("chaos_seed")
    print(f"--chaos-seed {seed}")  # noqa: T201 - to be given again
    chance, sorts = random.Random(seed), list(KNOWN)  # noqa: S311 - the same each time
    with service(tmp_path, persistence) as stopwatch:
        running.command(tmp_path / "identra.toml", "users", "import", str(users(tmp_path)))
        for turn in range(TURNS):
            asked = {sort: addresses(sort, turn) for sort in (*sorts, UNKNOWN)}
            times = stopwatch.measure(act, asked, chance)
            likely = compared(times, chance)
            sorts = [sort for sort in sorts if likely[sort] <= CHANCE_ALONE]
            if not sorts:
                break
    assert not sorts


@pytest.mark.long
@pytest.mark.parametrize("persistence", ["postgres"], indirect=True)
def test_a_difference_of_two_milliseconds_would_be_found(
    tmp_path: Path, persistence: Persistence, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plugin that takes longer for some addresses tells of them, and the trial tells of it.

    A machine that has much else to do hides it for a while.
    """
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))
    chance = random.Random(0)  # noqa: S311 - the same each time
    with (
        installed(tmp_path, PROJECT, {"identra_slow": SOURCE}),
        service(tmp_path, persistence, plugins={"enabled": ["slow"]}) as stopwatch,
    ):
        times: dict[str, list[float]] = {SLOW: [], UNKNOWN: []}
        for turn in range(PATIENCE):
            asked = {sort: addresses(sort, turn) for sort in times}
            for sort, more in stopwatch.measure(ACTS["a registration"], asked, chance).items():
                times[sort] += more
            if compared(times, chance)[SLOW] <= CHANCE_ALONE:
                return
    pytest.fail("it was not found")


@contextmanager
def service(folder: Path, place: Persistence, **more: Any) -> Iterator[Stopwatch]:
    """One worker that mails through a server of its own."""
    with open_post_office() as post:
        mailer = {"host": "127.0.0.1", "port": post.box.port, "tls": "none", "from": "us@a.example"}
        said = {
            "": {"http_port": 0},
            "http": {"trusted_proxies": ["127.0.0.0/8"]},
            "housekeeping": {"in_server": False},
            "smtp_mailer": mailer,
        }
        file = write_settings(folder, place, sections=said | more)
        prepare(file, place)
        with running.started(file, "--workers", "1") as started, watching(started) as stopwatch:
            yield stopwatch


def compared(times: Mapping[str, list[float]], chance: random.Random) -> dict[str, float]:
    """How likely chance alone sets each sort as far apart from nobody."""
    nobodys = times[UNKNOWN]
    likely = {
        sort: odds(seconds, nobodys, chance) for sort, seconds in times.items() if sort != UNKNOWN
    }
    measured = [f"{UNKNOWN}: {median(nobodys) * 1e3:.2f} ms"] + [
        f"{sort}: {(median(times[sort]) - median(nobodys)) * 1e3:+.3f} ms, p = {p:.4f}"
        for sort, p in likely.items()
    ]
    print(*measured, sep="\n")  # noqa: T201 - for those who run it with -s
    return likely


def addresses(sort: str, turn: int) -> list[str]:
    return [f"{sort}-{turn}-{number}@example.com" for number in range(EACH)]


def users(folder: Path) -> Path:
    """A file of users of every sort, all with one hash, for each turn."""
    hashed = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1).hash(PASSWORD)
    lines = [
        json.dumps(user(email, hashed, **more))
        for sort, more in KNOWN.items()
        for turn in range(TURNS)
        for email in addresses(sort, turn)
    ]
    file = folder / "users.jsonl"
    file.write_text("\n".join(['{"identra_users":1}', *lines, f'{{"users":{len(lines)}}}', ""]))
    return file


def user(email: str, hashed: str, *, proved_at: str | None = AT, **more: Any) -> dict[str, Any]:
    told: dict[str, Any] = {
        "user_id": email.partition("@")[0],
        "created_at": AT,
        "addresses": [{"email": email, "proved_at": proved_at, "created_at": AT}],
        "secrets": [{"provider": "password", "hash": hashed, "set_at": AT}],
    }
    return told | more
