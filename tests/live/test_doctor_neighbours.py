"""The doctor meets each neighbour well, and then with each thing broken on purpose."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
import redises
import running
import servers
from authority import Authority
from disks import full, small_disk
from examined import found_with
from homes import Sections, open_home, write_settings
from nextrelease import upgrade
from postbox import open_postbox
from pydantic import SecretStr
from standin.faults import SERVER_ERROR
from standin.github import GitHub
from standin.openid import OpenId
from standin.sites import Site, open_site

from identra.app import prepare
from identra.app.opening import system_clock
from identra.cli import run
from identra.settings import Persistence, Redis, load
from identra.values import DAY, SECOND

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

SECRET = "a password of this test's"
ADA = "ada@example.com"


@pytest.fixture
def sqlite(tmp_path: Path) -> Persistence:
    return Persistence(driver="sqlite", name=str(tmp_path / "identra.db"))


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """An authority that the system's store of this process trusts."""
    made = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(made.file))
    return made


# The database.


async def test_a_database_in_order(tmp_path: Path, persistence: Persistence) -> None:
    found = await found_with(tmp_path, persistence, "database")
    assert list(found) == ["DATABASE_READY"]
    assert found["DATABASE_READY"].startswith(("sqlite 3", "postgres 1", "mariadb 1"))


async def test_a_full_disk_is_an_error_whatever_can_be_read(tmp_path: Path) -> None:
    """Every right is there, and each sign-in fails: that all is well must not be the last word."""
    with small_disk(24) as disk:
        place = Persistence(driver="sqlite", name=str(disk / "identra.db"))
        await prepare(load(write_settings(tmp_path, place), {}))
        assert list(await found_with(tmp_path, place, "database")) == ["DATABASE_READY"]
        with full(disk):
            found = await found_with(tmp_path, place, "database")
        assert found["DATABASE_NO_ROOM"] == f"0 KiB are free where {place.name} is"


async def test_a_file_that_is_not_there_is_not_made(tmp_path: Path, sqlite: Persistence) -> None:
    assert list(await found_with(tmp_path, sqlite, "database")) == ["DATABASE_NEW"]
    assert not (tmp_path / "identra.db").exists()


async def test_a_database_that_does_not_answer(tmp_path: Path) -> None:
    place = Persistence(
        driver="postgres", name="identra", host="127.0.0.1", port=servers.free_port(), user="ada"
    )
    found = await found_with(tmp_path, place, "database")
    assert list(found) == ["DATABASE_UNREACHED"]
    assert "persistence.host and persistence.port" in found["DATABASE_UNREACHED"]


async def test_tables_of_the_release_before_and_of_the_next(
    tmp_path: Path, empty: Persistence
) -> None:
    if empty.driver == "sqlite":
        (tmp_path / "empty.db").touch()
    assert list(await found_with(tmp_path, empty, "database")) == ["SCHEMA_BEHIND"]
    await upgrade(empty)
    assert list(await found_with(tmp_path, empty, "database")) == ["SCHEMA_NEWER", "DATABASE_READY"]


@pytest.mark.parametrize("empty", ["postgres"], indirect=True)
async def test_another_program_s_table_and_half_a_copy(tmp_path: Path, empty: Persistence) -> None:
    await servers.tell(empty, 'CREATE TABLE "identra_users" (name TEXT)')
    found = await found_with(tmp_path, empty, "database")
    assert "identra_users" in found.pop("SCHEMA_FOREIGN")
    await servers.tell(empty, 'DROP TABLE "identra_users"')
    await upgrade(empty)
    await servers.tell(
        empty, "INSERT INTO identra_state VALUES ('copy:source', 'x', 0, 9000000000000000)"
    )
    assert "DATABASE_PARTIAL" in await found_with(tmp_path, empty, "database")


@pytest.mark.parametrize("persistence", ["postgres"], indirect=True)
async def test_an_account_without_a_right_and_a_column_that_compares_otherwise(
    tmp_path: Path, persistence: Persistence
) -> None:
    name = f"identra_{uuid4().hex[:8]}"
    for said in (
        f"CREATE ROLE {name} LOGIN",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {name}",
    ):
        await servers.tell(persistence, said)
    try:
        hers = persistence.model_copy(update={"user": name})
        assert list(await found_with(tmp_path, hers, "database")) == ["DATABASE_READY"]
        await servers.tell(persistence, f"REVOKE UPDATE ON identra_sessions FROM {name}")
        found = await found_with(tmp_path, hers, "database")
        assert list(found) == ["DATABASE_PRIVILEGE"]
        assert found["DATABASE_PRIVILEGE"].startswith("UPDATE on identra_sessions")
    finally:
        await servers.tell(persistence, f"DROP OWNED BY {name}")
        await servers.tell(persistence, f"DROP ROLE {name}")
    await servers.tell(
        persistence,
        'ALTER TABLE identra_emails ALTER email TYPE VARCHAR(254) COLLATE "default"',
    )
    found = await found_with(tmp_path, persistence, "database")
    assert "identra_emails.email" in found["DATABASE_COLLATION"]


@pytest.mark.parametrize("persistence", ["mysql"], indirect=True)
async def test_mariadb_in_order_and_with_a_column_that_equates_addresses(
    tmp_path: Path, persistence: Persistence
) -> None:
    assert list(await found_with(tmp_path, persistence, "database")) == ["DATABASE_READY"]
    await servers.tell(
        persistence,
        "ALTER TABLE identra_issuers MODIFY issuer VARCHAR(255) COLLATE utf8mb4_general_ci",
    )
    found = await found_with(tmp_path, persistence, "database")
    assert "utf8mb4_general_ci" in found["DATABASE_UNREACHED"]


@pytest.mark.parametrize("persistence", ["postgres"], indirect=True)
@pytest.mark.parametrize(
    ("apart", "code"), [(-5, "CLOCKS_APART"), (60, "CLOCKS_FAR_APART")], ids=["behind", "far"]
)
async def test_clocks_that_differ(
    tmp_path: Path, persistence: Persistence, apart: int, code: str
) -> None:
    found = await found_with(
        tmp_path, persistence, "database", clock=lambda: system_clock() + apart * SECOND
    )
    assert list(found) == [code, "DATABASE_READY"]


# The ring.


@pytest.mark.parametrize("persistence", ["postgres"], indirect=True)
async def test_a_ring_that_is_empty_shut_overdue_mixed_and_in_order(
    tmp_path: Path, persistence: Persistence
) -> None:
    file = write_settings(tmp_path, persistence)
    spoiled = tmp_path / "spoiled"
    spoiled.mkdir()
    other = write_settings(spoiled, persistence)
    for place in (file, other):
        words = ["keys", "new-master-key", str(place.parent / "master.key")]
        assert await asyncio.to_thread(run, [*words, "--config", str(place)]) == 0
    found = await found_with(tmp_path, persistence, "database", "ring")
    assert "keys init" in found["RING_SHUT"]
    assert await asyncio.to_thread(run, ["keys", "init", "--config", str(file)]) == 0
    assert "RING_READY" in await found_with(tmp_path, persistence, "database", "ring")
    assert "RING_SHUT" in await found_with(spoiled, persistence, "database", "ring")
    both: Sections = {
        "keys": {
            "master_key_files": [str(spoiled / "master.key"), str(tmp_path / "master.key")],
            "rotate_every": "never",
        }
    }
    found = await found_with(tmp_path, persistence, "database", "ring", sections=both)
    assert {"RING_MIXED", "RING_STILL", "RING_READY"} <= set(found)
    by_timer: Sections = {"keys": {"rotate_in_server": False}}
    found = await found_with(tmp_path, persistence, "database", "ring", sections=by_timer)
    assert {"RING_BY_TIMER", "RING_READY"} <= set(found)
    late = f"UPDATE identra_keys SET changed_at = changed_at - {100 * DAY}"  # noqa: S608
    await servers.tell(persistence, late)
    found = await found_with(tmp_path, persistence, "database", "ring")
    assert "publish a new key" in found["RING_OVERDUE"]


# Redis.


async def test_redis_that_evicts_is_silent_or_away(tmp_path: Path, sqlite: Persistence) -> None:
    with redises.redis() as store:
        assert list(await found_with(tmp_path, sqlite, "redis", store=store)) == ["REDIS_READY"]
        silent = store.model_copy(update={"username": "quiet", "password": SecretStr(SECRET)})
        await _tell_redis(
            store, "ACL", "SETUSER", "quiet", "on", f">{SECRET}", "~*", "+@all", "-info"
        )
        sections: Sections = {"redis": {"username": "quiet", "password": SECRET}}
        told = await found_with(tmp_path, sqlite, "redis", store=silent, sections=sections)
        assert list(told) == ["REDIS_UNTOLD"]
        await _tell_redis(store, "CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
        found = await found_with(tmp_path, sqlite, "redis", store=store)
        assert found == {"REDIS_EVICTS": "maxmemory-policy is allkeys-lru"}
    away = Redis(urls=(f"127.0.0.1:{servers.free_port()}",))
    found = await found_with(tmp_path, sqlite, "redis", store=away)
    assert list(found) == ["REDIS_UNREACHED"]


async def _tell_redis(store: Redis, *words: str) -> None:
    from redis.asyncio import Redis as Client

    async with Client.from_url(f"redis://{store.urls[0]}") as client:
        await client.execute_command(*words)


# Mail.


def mailing(port: int, **more: Any) -> Sections:
    said = {"host": "127.0.0.1", "port": port, "from": "identra@example.com", "tls": "none"}
    return {"smtp_mailer": said | more}


LOGIN: dict[str, Any] = {"username": "ada", "password": SECRET}


async def test_mail_that_is_taken_and_how_far_it_goes_where_it_is_not(
    tmp_path: Path, sqlite: Persistence, authority: Authority
) -> None:
    context = authority.server_context()
    async with open_postbox("starttls", context=context, login=("ada", SECRET)) as box:
        tls = {"tls": "starttls"}
        found = await found_with(
            tmp_path, sqlite, "mail", mail_to=ADA, sections=mailing(box.port, **tls, **LOGIN)
        )
        assert list(found) == ["MAIL_TAKEN"]
        assert "encrypt, login, sender, recipient, letter" in found["MAIL_TAKEN"]
        (letter,) = box.to(ADA)
        assert "doctor" in letter.mail["Subject"]

        found = await found_with(
            tmp_path, sqlite, "mail", sections=mailing(box.port, **tls, **LOGIN)
        )
        assert list(found) == ["MAIL_READY"], "nothing is sent unasked"
        assert len(box.received) == 1

        wrong = mailing(box.port, **tls, username="ada", password="wrong")
        found = await found_with(tmp_path, sqlite, "mail", sections=wrong)
        assert list(found) == ["MAIL_LOGIN_REFUSED"]
        assert "535" in found["MAIL_LOGIN_REFUSED"]
        assert "wrong" not in found["MAIL_LOGIN_REFUSED"]

        found = await found_with(tmp_path, sqlite, "mail", sections=mailing(box.port, **tls))
        assert list(found) == ["MAIL_SENDER_REFUSED"]

        strangers = mailing(box.port, **tls, **LOGIN)
        other = tmp_path / "other"
        other.mkdir()
        with pytest.MonkeyPatch.context() as system:
            system.setenv("SSL_CERT_FILE", str(Authority(other).file))
            found = await found_with(tmp_path, sqlite, "mail", sections=strangers)
        assert list(found) == ["MAIL_CERTIFICATE"]


async def test_mail_servers_that_refuse_what_comes_after_the_greeting(
    tmp_path: Path, sqlite: Persistence
) -> None:
    assert list(await found_with(tmp_path, sqlite, "mail")) == ["MAIL_ABSENT"]
    async with open_postbox() as box:
        plain = mailing(box.port)
        box.answers.append("554 5.7.1 not from you")
        found = await found_with(tmp_path, sqlite, "mail", mail_to=ADA, sections=plain)
        assert list(found) == ["MAIL_LETTER_REFUSED"]
        assert "554" in found["MAIL_LETTER_REFUSED"]
        box.relays = False
        found = await found_with(tmp_path, sqlite, "mail", mail_to=ADA, sections=plain)
        assert list(found) == ["MAIL_RECIPIENT_REFUSED"]
        found = await found_with(
            tmp_path, sqlite, "mail", sections=mailing(box.port, tls="starttls")
        )
        assert list(found) == ["MAIL_NO_TLS"]
    found = await found_with(tmp_path, sqlite, "mail", sections=mailing(servers.free_port()))
    assert list(found) == ["MAIL_UNREACHED"]


# Providers.


def at_github(github: GitHub, site: Site, **more: Any) -> Sections:
    said = {
        "client_id": github.client_id,
        "client_secret": github.client_secret,
        "redirect_url": github.callback,
        "base_url": site.base_url,
        "api_url": site.api_url,
    }
    return {"providers.github": said | more}


@pytest.mark.parametrize("persistence", ["sqlite"], indirect=True)
async def test_github_in_order_and_with_each_thing_broken(
    tmp_path: Path, persistence: Persistence
) -> None:
    github = GitHub()
    topics = ("database", "providers")
    with open_site(github) as site:
        found = await found_with(tmp_path, persistence, *topics, sections=at_github(github, site))
        assert "bad_verification_code" in found["PROVIDER_READY"]
        assert "REDIRECT_LOCAL" not in found, "the service is local itself"

        wrong = at_github(github, site, client_secret="f" * 40)
        found = await found_with(tmp_path, persistence, *topics, sections=wrong)
        assert "incorrect_client_credentials" in found["PROVIDER_CLIENT_REFUSED"]

        public = at_github(github, site, redirect_urls=["http://app.example.com/back"])
        public |= {"": {"public_url": "https://id.example.com"}}
        found = await found_with(tmp_path, persistence, *topics, sections=public)
        assert "http://app.example.com/back" in found["REDIRECT_PLAIN"]
        assert github.callback in found["REDIRECT_LOCAL"]

        async with open_home(tmp_path, persistence, sections=at_github(github, site)):
            pass
        github.faults["/login/oauth/access_token"] = SERVER_ERROR
        found = await found_with(tmp_path, persistence, *topics, sections=at_github(github, site))
        assert "status 500" in found["PROVIDER_UNREACHED"]
    moved = at_github(github, Site(f"http://127.0.0.1:{servers.free_port()}"))
    found = await found_with(tmp_path, persistence, *topics, sections=moved)
    assert {"PROVIDER_UNREACHED", "PROVIDER_MOVED"} <= set(found)
    lacking: Sections = {"providers.github": {"client_id": "your-client-id"}}
    found = await found_with(tmp_path, persistence, *topics, sections=lacking)
    assert found["PROVIDER_LACKING"] == "github: missing_client_secret"


async def test_an_openid_place_whose_discovery_can_not_be_read(
    tmp_path: Path, sqlite: Persistence
) -> None:
    port = servers.free_port()
    openid = OpenId(issuer=f"http://127.0.0.1:{port}")
    with open_site(openid) as site:
        openid.issuer = site.base_url
        said = openid.section(plugin="oidc", issuer=site.base_url, email_trust="claim")
        sections: Sections = {"providers.corp": said}
        found = await found_with(tmp_path, sqlite, "providers", sections=sections)
        assert "corp" in found["PROVIDER_READY"]
        openid.says = {"issuer": "https://somebody-else.example"}
        found = await found_with(tmp_path, sqlite, "providers", sections=sections)
        assert "discovery" in found["PROVIDER_UNREACHED"]


# The service from outside.


@asynccontextmanager
async def open_service(
    folder: Path, place: Persistence, *trusted: str
) -> AsyncIterator[tuple[Sections, str]]:
    said: Sections = {
        "keys": {"algorithm": "ES256"},
        "http": {"trusted_proxies": list(trusted)},
    }
    async with open_home(folder, place, sections=said) as app, running.door_of(app) as url:
        yield said, url


@asynccontextmanager
async def proxy_to(url: str, *, appends: bytes) -> AsyncIterator[str]:
    """A proxy that says who called, by appending it to what the caller said."""
    host, _, port = url.removeprefix("http://").rpartition(":")

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        said = head.replace(b"192.0.2.66", b"192.0.2.66" + appends)
        length = next(
            (int(line[15:]) for line in head.splitlines() if line.startswith(b"Content-Length:")), 0
        )
        far, away = await asyncio.open_connection(host, int(port))
        away.write(said.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        away.write(await reader.readexactly(length))
        writer.write(await far.read())
        for end in (writer, away):
            end.close()

    server = await asyncio.start_server(carry, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


OUTSIDE = ("database", "ring", "outside")


@pytest.mark.parametrize(
    ("trusted", "appends", "code"),
    [
        (["127.0.0.1"], b", 198.51.100.7", "PROXY_CHAIN"),
        ([], b", 198.51.100.7", "PROXY_UNTRUSTED"),
        (["127.0.0.1"], b"", "PROXY_BELIEVES_CALLERS"),
    ],
    ids=["in order", "untrusted", "believing"],
)
@pytest.mark.parametrize("persistence", ["sqlite"], indirect=True)
async def test_the_chain_of_proxies_as_the_service_sees_it(
    tmp_path: Path, persistence: Persistence, trusted: list[str], appends: bytes, code: str
) -> None:
    async with (
        open_service(tmp_path, persistence, *trusted) as (said, direct),
        proxy_to(direct, appends=appends) as url,
    ):
        found = await found_with(tmp_path, persistence, *OUTSIDE, sections=said, url=url)
        assert {code, "URL_READY"} <= set(found)
        chain = b"192.0.2.66" + appends + b", 127.0.0.1"
        assert f"came by {chain.decode()}, counted as" in found[code]


@pytest.mark.parametrize("persistence", ["sqlite"], indirect=True)
async def test_an_address_that_leads_elsewhere_or_nowhere(
    tmp_path: Path, persistence: Persistence
) -> None:
    nowhere = f"http://127.0.0.1:{servers.free_port()}"
    other = tmp_path / "other"
    other.mkdir()
    theirs = persistence.model_copy(update={"name": str(other / "identra.db")})
    await upgrade(theirs)
    async with open_home(tmp_path, persistence):
        found = await found_with(tmp_path, persistence, "outside", url=nowhere)
        assert found == {"URL_UNREACHED": f"{nowhere}: Connection refused"}
        async with open_service(other, theirs) as (_, url):
            found = await found_with(tmp_path, persistence, *OUTSIDE, url=url)
            assert {"URL_OTHER", "URL_READY"} <= set(found)
        with open_site(GitHub()) as site:
            found = await found_with(tmp_path, persistence, "outside", url=site.base_url)
            assert "404" in found["URL_UNREACHED"]


@pytest.mark.parametrize("persistence", ["sqlite"], indirect=True)
async def test_a_certificate_that_ends_soon_or_is_not_trusted(
    tmp_path: Path, persistence: Persistence, authority: Authority
) -> None:
    async def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0, ssl=authority.server_context())
    url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    said: Sections = {"": {"public_url": url}}
    async with server:
        found = await found_with(tmp_path, persistence, "outside", sections=said)
        assert list(found) == ["CERTIFICATE_EXPIRES"], "it is good for one day more"
        found = await found_with(
            tmp_path,
            persistence,
            "outside",
            sections=said,
            clock=lambda: system_clock() - 40 * DAY,
        )
        assert list(found) == ["CERTIFICATE_VALID"]
        other = tmp_path / "other"
        other.mkdir()
        with pytest.MonkeyPatch.context() as system:
            system.setenv("SSL_CERT_FILE", str(Authority(other).file))
            found = await found_with(tmp_path, persistence, "outside", sections=said)
        assert list(found) == ["CERTIFICATE_REFUSED"]
