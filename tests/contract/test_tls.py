"""The words of `persistence.sslmode` mean the same towards every server."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
import servers
from authority import Authority
from cable import Cable
from piccolo.querystring import QueryString
from pydantic import SecretStr

from identra.db import open_database
from identra.errors import OperatorError, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from identra.settings import Persistence

DRIVERS = ("postgres", "mysql")
ELSEWHERE = "127.0.0.2"
"""A loopback address that no certificate of ours names."""


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module", params=DRIVERS)
def secure(request: pytest.FixtureRequest, authority: Authority) -> Iterator[Persistence]:
    start = {"postgres": servers.postgres, "mysql": servers.mysql}[request.param]
    with start(certificate=authority.server) as server:
        yield server


@pytest.fixture(params=DRIVERS)
def bare(request: pytest.FixtureRequest) -> Persistence:
    place: Persistence = request.getfixturevalue(f"{request.param}_server")
    return place


async def is_encrypted(place: Persistence) -> bool:
    asking = {
        "postgres": "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()",
        "mysql": "SHOW SESSION STATUS WHERE Variable_name = 'Ssl_cipher' AND Value <> ''",
    }[place.driver]
    db = await open_database(place)
    try:
        row = await db.first(QueryString(asking))
        return bool(row and row.get("ssl", True))
    finally:
        await db.close()


def by(place: Persistence, word: str, root: Path | None = None, **more: object) -> Persistence:
    return place.model_copy(update={"sslmode": word, "sslrootcert": root, **more})


@pytest.mark.parametrize(
    ("word", "encrypted"),
    [("disable", False), ("allow", False), ("prefer", True), ("require", True)],
)
async def test_without_verifying(secure: Persistence, word: str, encrypted: bool) -> None:
    assert await is_encrypted(by(secure, word)) == encrypted


@pytest.mark.parametrize("word", ["disable", "allow", "prefer"])
async def test_a_server_without_tls_is_spoken_to_where_the_word_says_so(
    bare: Persistence, word: str
) -> None:
    assert not await is_encrypted(by(bare, word))


@pytest.mark.parametrize("word", ["require", "verify-ca", "verify-full"])
async def test_a_server_without_tls_is_refused_by_the_others(bare: Persistence, word: str) -> None:
    with pytest.raises(StoreUnavailable, match=r"TLS|SSL"):
        await open_database(by(bare, word))


@pytest.mark.parametrize("word", ["verify-ca", "verify-full"])
async def test_an_authority_is_trusted_only_if_it_is_named(
    secure: Persistence, authority: Authority, tmp_path: Path, word: str
) -> None:
    assert await is_encrypted(by(secure, word, authority.file))
    for root in (None, Authority(tmp_path).file):
        with pytest.raises(StoreUnavailable, match=r"(?i)certificate verify failed"):
            await open_database(by(secure, word, root))


async def test_only_verify_full_looks_at_the_servers_name(
    secure: Persistence, authority: Authority
) -> None:
    async with Cable.to(secure.host, secure.port or 0, at=ELSEWHERE) as cable:
        there = {"host": ELSEWHERE, "port": cable.port}
        assert await is_encrypted(by(secure, "verify-ca", authority.file, **there))
        with pytest.raises(StoreUnavailable, match=re.escape(ELSEWHERE)):
            await open_database(by(secure, "verify-full", authority.file, **there))


@pytest.mark.parametrize("content", [None, "no certificate"])
async def test_a_file_that_holds_no_authority_is_named(
    bare: Persistence, tmp_path: Path, content: str | None
) -> None:
    file = tmp_path / "authority.pem"
    if content:
        file.write_text(content)
    with pytest.raises(OperatorError, match=r"persistence\.sslrootcert.*authority\.pem"):
        await open_database(by(bare, "verify-full", file))


@pytest.mark.parametrize("secure", ["mysql"], indirect=True)
async def test_allow_takes_to_tls_for_a_user_who_must(secure: Persistence) -> None:
    await servers.tell(secure, "CREATE USER shy@localhost IDENTIFIED BY 'hush' REQUIRE SSL")
    await servers.tell(secure, "GRANT ALL ON mysql.* TO shy@localhost")
    shy = {"user": "shy", "password": SecretStr("hush")}
    assert await is_encrypted(by(secure, "allow", **shy))
    with pytest.raises(StoreUnavailable, match="Access denied"):
        await open_database(by(secure, "disable", **shy))
