"""Users leave in one file and arrive from it, or from the original service, whole or not at all."""

from __future__ import annotations

import asyncio
import json
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import servers
from homes import HERE, PASSWORD, open_home, write_settings
from piccolo.querystring import QueryString

from identra.cli import run
from identra.db import open_database
from identra.errors import InvalidCredentials
from identra.settings import Persistence

if TYPE_CHECKING:
    from collections.abc import Iterator

FOREIGN = tomllib.loads((Path(__file__).parents[1] / "pure" / "foreign.toml").read_text())
SECRET = "correct horse bättery"
ARGON2 = FOREIGN["argon2"]["passlib"]
FIRST = '{"identra_users":1}'


def line(name: str, **more: Any) -> dict[str, Any]:
    at = "2026-01-31T12:00:00.000001Z"
    return {
        "user_id": name,
        "created_at": at,
        "addresses": [{"email": f"{name}@example.com", "proved_at": at, "created_at": at}],
        "identities": [
            {
                "provider": "github",
                "provider_user_id": name,
                "username": "É😀",
                "linked_at": at,
                "counts_from": at,
            }
        ],
        "secrets": [{"provider": "password", "hash": ARGON2, "set_at": at}],
    } | more


def write_file(file: Path, *lines: dict[str, Any] | str, last: str | None = None) -> Path:
    told = [each if isinstance(each, str) else json.dumps(each) for each in lines]
    end = json.dumps({"users": len(told)}) if last is None else last
    file.write_text("\n".join([FIRST, *told, end.replace(" ", "")]) + "\n")
    return file


@pytest.fixture
def settings(tmp_path: Path, persistence: Persistence) -> Path:
    return write_settings(tmp_path, persistence)


@pytest.fixture
def other(tmp_path: Path) -> Path:
    folder = tmp_path / "other"
    folder.mkdir()
    return write_settings(folder, Persistence(driver="sqlite", name=str(folder / "other.db")))


def export(settings: Path, to: Path) -> bytes:
    assert run(["users", "export", "--to", str(to), "--config", str(settings)]) == 0
    return to.read_bytes()


def take_in(settings: Path, file: Path, *options: str) -> int:
    return run(["users", "import", str(file), "--config", str(settings), *options])


def counts(capsys: pytest.CaptureFixture[str]) -> tuple[int, int, int]:
    told = json.loads(capsys.readouterr().out)
    return told["imported"], told["unchanged"], told["refused"]


def test_export_import_export_is_the_same_bytes(
    tmp_path: Path, settings: Path, other: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [line(f"u{number:04}") for number in range(450)]
    lines[3] = line("u0003", addresses=[], identities=[], secrets=[], last_login_at=None)
    lines[4] |= {"disabled_at": "2026-02-01T00:00:00Z", "disabled_reason": "spam"}
    lines[5]["addresses"][0]["proved_at"] = None
    lines[6] |= {"disabled_at": "2026-02-01T00:00:00Z", "leaves_at": "2026-02-15T00:00:00Z"}
    lines[7]["addresses"][0]["counts_from"] = "2026-02-02T00:00:00Z"
    lines[7]["secrets"][0]["change_required_at"] = "2026-02-03T00:00:00Z"
    lines[7]["primary_email"] = "u0007@example.com"
    file = write_file(tmp_path / "made.jsonl", *[{k: v for k, v in x.items() if v} for x in lines])
    assert take_in(settings, file, "--json") == 0
    assert counts(capsys) == (450, 0, 0)
    once = export(settings, tmp_path / "once.jsonl")
    assert take_in(other, tmp_path / "once.jsonl") == 0
    assert export(other, tmp_path / "twice.jsonl") == once
    assert (tmp_path / "once.jsonl").stat().st_mode & 0o777 == 0o600
    assert len(once.splitlines()) == 452
    told = {json.loads(each)["user_id"]: json.loads(each) for each in once.splitlines()[1:-1]}
    assert told["u0006"]["leaves_at"] == "2026-02-15T00:00:00.000000Z"
    assert told["u0007"]["primary_email"] == "u0007@example.com"
    assert told["u0007"]["addresses"][0]["counts_from"] == "2026-02-02T00:00:00.000000Z"
    assert told["u0007"]["secrets"][0]["change_required_at"] == "2026-02-03T00:00:00.000000Z"


def test_an_import_told_again_goes_on_and_changes_nothing_that_is_here(
    tmp_path: Path, settings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert take_in(settings, write_file(tmp_path / "half.jsonl", line("a"), line("b"))) == 0
    capsys.readouterr()
    whole = write_file(tmp_path / "whole.jsonl", line("a"), line("b"), line("c"))
    assert take_in(settings, whole, "--json") == 0
    assert counts(capsys) == (1, 2, 0)


def test_a_dry_run_tells_all_and_changes_nothing(
    tmp_path: Path, settings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = export(settings, tmp_path / "before.jsonl")
    file = write_file(tmp_path / "file.jsonl", line("a"), line("b"))
    assert take_in(settings, file, "--json", "--dry-run") == 0
    assert counts(capsys) == (2, 0, 0)
    assert export(settings, tmp_path / "after.jsonl") == before


def test_nobody_is_written_over_and_the_line_is_named(
    tmp_path: Path, settings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert take_in(settings, write_file(tmp_path / "here.jsonl", line("a"))) == 0
    before = export(settings, tmp_path / "before.jsonl")
    capsys.readouterr()
    other_id, other_user = line("b"), line("a", addresses=[], identities=[])
    file = write_file(
        tmp_path / "file.jsonl",
        other_user,
        {**other_id, "addresses": line("a")["addresses"]},
        {**other_id, "user_id": "c", "identities": line("a")["identities"], "addresses": []},
    )
    assert take_in(settings, file) == 1
    told = capsys.readouterr()
    assert told.out == "0 imported, 0 unchanged, 3 refused\n"
    assert told.err.splitlines() == [
        f"{file}: line 2: another user has this user_id",
        f"{file}: line 3: another user has its address",
        f"{file}: line 4: another user has its identity",
    ]
    assert export(settings, tmp_path / "after.jsonl") == before


@pytest.mark.parametrize(
    ("faulty", "says"),
    [
        ("{", "is not JSON"),
        ("[]", ""),
        ('{"user_id":"a","user_id":"b"}', "a name is given twice"),
        (line("a", created_at=1), "created_at: is a time in quotes"),
        (line("a", primary_email="b@example.com"), "primary_email is no address that is proved"),
        (
            line("a", leaves_at="2026-01-31T12:00:00Z"),
            "whoever has a leaves_at has a disabled_at",
        ),
        (line("a", created_at="yesterday"), "created_at: is no RFC 3339 time"),
        (line("a", created_at="2026-01-31T12:00:00"), "created_at: a time needs its offset"),
        (line("a", user_id=7), "user_id"),
        (line("a", user_id="x" * 37), "user_id"),
        (line("a", more=1), "more"),
        (line("a", addresses=[{"email": "a@example.com", "created_at": "2026-01-01T00:00:00Z"}]),
         "addresses.0.proved_at: Field required"),
        (line("a", addresses=[{**line("a")["addresses"][0], "email": "Ada <a@example.com>"}]),
         "addresses.0.email: is no address"),
        (line("a", addresses=line("a")["addresses"] * 2), "says an address"),
        (line("a", secrets=[{**line("a")["secrets"][0], "hash": "md5$x$y"}]),
         "secrets.0.hash: is no hash that can be verified here"),
        (line("b"), "the user_id of line 2 again"),
    ],
)  # fmt: skip
def test_one_fault_in_a_file_stops_it_all_and_is_named(
    tmp_path: Path,
    other: Path,
    faulty: dict[str, Any] | str,
    says: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = write_file(tmp_path / "file.jsonl", line("b"), faulty)
    assert take_in(other, file) == 1
    err = capsys.readouterr().err
    assert f"{file}: line 3: {says}" in err
    assert f"identra: {file}: 1 lines at fault; nothing was changed\n" in err
    assert "$argon2" not in err
    assert export(other, tmp_path / "after.jsonl").splitlines()[1:] == [b'{"users":0}']
    assert take_in(other, file, "--skip-faulty") == 1
    assert len(export(other, tmp_path / "then.jsonl").splitlines()) == 3


@pytest.mark.parametrize(
    "text", ["", "{}\n", f"{FIRST}\n", f'{FIRST}\n{{"users":1}}\n', "root:x:0:0\n", "\xff\n"]
)
def test_a_foreign_or_truncated_file_is_one_line_and_no_change(
    tmp_path: Path, other: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "file.jsonl"
    file.write_bytes(text.encode("latin-1"))
    assert take_in(other, file) == 1
    told = capsys.readouterr()
    assert (told.out, told.err.count("\n")) == ("", 1)
    assert str(file) in told.err


def test_a_file_is_never_written_over(tmp_path: Path, other: Path) -> None:
    (tmp_path / "file.jsonl").write_text("mine")
    file = str(tmp_path / "file.jsonl")
    assert run(["users", "export", "--to", file, "--config", str(other)]) == 1
    assert (tmp_path / "file.jsonl").read_text() == "mine"


async def test_an_imported_password_opens_the_account_and_is_hashed_anew(
    tmp_path: Path, persistence: Persistence
) -> None:
    settings = write_settings(tmp_path, persistence)
    hashed = FOREIGN["django"]["pbkdf2"]
    user = line("ada", secrets=[{"provider": "password", "hash": hashed,
                                 "set_at": "2026-01-31T12:00:00Z"}])  # fmt: skip
    file = write_file(tmp_path / "file.jsonl", user)
    assert await asyncio.to_thread(take_in, settings, file) == 0
    async with open_home(tmp_path, persistence) as app:
        with pytest.raises(InvalidCredentials):
            await app.login.by_secret("password", "ada@example.com", PASSWORD, HERE)
        pair = await app.login.by_secret("password", "ada@example.com", SECRET, HERE)
        assert (await app.account.login_info(pair.access_token.token)).user_id == "ada"
        kept = await app.users.hash_of("ada", "password")
        assert kept is not None
        assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
        await app.login.by_secret("password", "ada@example.com", SECRET, HERE)


THEIRS = (Path(__file__).parent / "original.sql").read_text().split(";\n")


@pytest.fixture(params=["sqlite", "postgres", "mysql"])
def original(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The original service's database, by its URL."""
    if request.param == "sqlite":
        place = Persistence(driver="sqlite", name=str(tmp_path / "original.db"))
        asyncio.run(_fill(place))
        yield f"sqlite:///{place.name}"
        return
    with servers.fresh_database(request.getfixturevalue(f"{request.param}_server")) as place:
        asyncio.run(_fill(place))
        yield f"{request.param}://{place.user}@{place.host}:{place.port}/{place.name}"


async def _fill(place: Persistence) -> None:
    db = await open_database(place)
    fine = "TIMESTAMP(6)" if place.driver == "mysql" else "TIMESTAMP"
    for statement in THEIRS:
        await db.change(QueryString(statement.replace("TIMESTAMP", fine)))
    await db.close()


def take_original(settings: Path, dsn: str, *options: str) -> int:
    given = ["--dsn", dsn, "--config", str(settings), *options]
    return run(["import", "original", *given])


@pytest.mark.parametrize("addresses", ["proved", "unproved"])
def test_the_original_services_users_keep_their_ids_and_hashes(
    original: str, other: Path, tmp_path: Path, addresses: str
) -> None:
    assert take_original(other, original, "--addresses", addresses) == 0
    seven, nine = map(json.loads, export(other, tmp_path / "all.jsonl").splitlines()[1:-1])
    created = "2024-05-06T07:08:09.123456Z"
    proved_at = created if addresses == "proved" else None
    assert seven == {
        "user_id": "7",
        "created_at": created,
        "addresses": [{"email": "ada@example.com", "proved_at": proved_at, "created_at": created}],
        "identities": [],
        "secrets": [{"provider": "password", "hash": ARGON2, "set_at": created}],
    }
    assert (nine["user_id"], nine["addresses"]) == ("9", [])
    assert nine["last_login_at"] == "2024-07-01T00:00:00.000000Z"
    assert [one["provider_user_id"] for one in nine["identities"]] == ["583231"]
    assert take_original(other, original, "--addresses", addresses) == 0, "told again"


def test_whether_its_addresses_are_proved_must_be_said(original: str, other: Path) -> None:
    assert take_original(other, original) == 2


def test_two_users_of_one_address_stop_the_import(
    other: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = Persistence(driver="sqlite", name=str(tmp_path / "twice.db"))

    async def fill() -> None:
        await _fill(place)
        db = await open_database(place)
        again = THEIRS[2].replace("'7'", "'70'").replace("Ada@", "ada@")
        await db.change(QueryString(again))
        await db.close()

    asyncio.run(fill())
    assert take_original(other, f"sqlite:///{place.name}", "--addresses", "proved") == 1
    assert "users: line 2: an address of line 1 again" in capsys.readouterr().err
    assert export(other, tmp_path / "after.jsonl").splitlines()[1:] == [b'{"users":0}']


@pytest.mark.parametrize(
    ("dsn", "says"),
    [
        ("postgres://me:hunter2@localhost/x", "has a password"),
        ("oracle://localhost/x", "begins with"),
        ("postgres://localhost", "can't be read"),
        ("postgres://localhost:99999/x", "can't be read"),
        ("sqlite:///{folder}/other.db", "No such file"),
        ("postgres://me@127.0.0.1:1/x", ""),
    ],
)
def test_a_bad_dsn_is_one_line(
    other: Path, dsn: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    named = dsn.format(folder=other.parent)
    assert take_original(other, named, "--addresses", "proved") == 1
    told = capsys.readouterr().err
    assert says in told
    assert told.count("\n") == 1
    assert "hunter2" not in told


def test_the_file_in_the_documentation_is_taken_in(tmp_path: Path, other: Path) -> None:
    page = Path(__file__).parents[2] / "docs" / "reference" / "users-file.md"
    file = tmp_path / "file.jsonl"
    file.write_text(page.read_text().split("```jsonl\n")[1].split("```")[0])
    assert take_in(other, file) == 0
