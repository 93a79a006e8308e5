"""Where there is room for nobody's hash a login is told so at once, and no way to it tells more."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import running
import scraping
from holding import full_queue, held
from smuggling import ENCODINGS, HEADS, POST
from structlog.testing import capture_logs

from identra.hashing import Asking
from identra.limits import Allowance, Calls, network_of
from identra.values import Peer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from identra.app import App

BODY = json.dumps({"email": "ada@example.com", "password": "not hers at all"})
HEAD = (
    "POST {path} HTTP/1.1\r\nHost: login.example\r\nContent-Type: application/json\r\n"
    "Content-Length: {length}\r\nUser-Agent: a browser\r\nX-Request-ID: hers-1\r\n"
    "X-Forwarded-For: 203.0.113.9\r\nOrigin: https://app.example\r\n"
)
PATH = "/password/login"
CORS = '[cors]\nallowed_origins = ["https://app.example"]\n'
PROXIES = '[http]\ntrusted_proxies = ["127.0.0.0/8"]\n'
LONG_WAY = {
    "a field twice": "Accept: */*\r\nAccept: text/html\r\n",
    "an expectation": "Expect: 100-continue\r\n",
}
"""Lines that lead the long way to the very same answer."""
OWN = re.compile(r"(?i)(x-attempt-id: )[^\r\n]*")
CONTINUE = "HTTP/1.1 100 Continue\r\n\r\n"
MANY = 40


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[tuple[App, str]]:
    async with running.door(tmp_path, extra=CORS + PROXIES, dev=False) as (hall, url):
        yield hall, url


def plain(path: str = PATH, *, beside: str = "", body: str = BODY) -> str:
    return HEAD.format(path=path, length=len(body)) + beside + "\r\n" + body


async def ask(url: str, *said: str) -> list[tuple[str, str]]:
    """Head and body of each answer, on one connection, one after the other."""
    host, _, port = url.removeprefix("http://").rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        return [await _ask(reader, writer, one) for one in said]
    finally:
        writer.close()
        await writer.wait_closed()


async def _ask(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, said: str
) -> tuple[str, str]:
    writer.write(said.encode())
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    if head == CONTINUE:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
    length = re.search(r"(?i)content-length: (\d+)", head)
    assert length
    return head, (await reader.readexactly(int(length[1]))).decode()


def lines(head: str) -> set[str]:
    """The lines of a head without what no two answers share; names in small letters."""
    pairs = (line.partition(":") for line in OWN.sub(r"\1", head).split("\r\n"))
    return {f"{name.lower()}:{value}" for name, _, value in pairs}


async def kept(hall: App, folder: Path, head: str) -> dict[str, object]:
    """What is kept of the attempt that an answer names, but for its id and its time."""
    found = re.search(r"(?i)x-attempt-id: (\S+)", head)
    assert found
    await hall.login._attempts.write()  # type: ignore[attr-defined]
    command = (folder / "identra.toml", "explain", found[1], "--json")
    listed = json.loads(await asyncio.to_thread(running.command, *command))
    ((told,),) = listed.values()
    return {name: value for name, value in told.items() if name not in {"attempt", "at", "ms"}}


@pytest.mark.parametrize("line", LONG_WAY.values(), ids=LONG_WAY.keys())
async def test_both_ways_to_busy_lead_to_one_answer(
    service: tuple[App, str], tmp_path: Path, line: str
) -> None:
    """And are logged and kept alike, under an attempt of their own."""
    hall, url = service
    async with full_queue(hall):
        with capture_logs() as logged:
            short, long_way = await ask(url, plain(), plain(beside=line))
    assert short[0].startswith("HTTP/1.1 503 Service Unavailable\r\n")
    assert json.loads(short[1]) == json.loads(long_way[1])
    assert json.loads(short[1])["reason"] == "BUSY"
    assert lines(short[0]) == lines(long_way[0])
    assert await kept(hall, tmp_path, short[0]) == await kept(hall, tmp_path, long_way[0])
    one, other = ({**line, "ms": 0, "attempt_id": ""} for line in logged)
    assert one == other


async def test_who_it_is_that_calls_is_read_alike_where_it_is_no_ascii(
    service: tuple[App, str],
) -> None:
    """Two readings of one address would count a network under another."""
    hall, url = service
    said = plain().replace("203.0.113.9", "\xfc, 203.0.113.9\xa0")
    async with full_queue(hall):
        with capture_logs() as logged:
            await ask(url, said, said.replace("Origin", LONG_WAY["an expectation"] + "Origin"))
    assert [line["peer"] for line in logged] == ["203.0.113.9"] * 2


async def test_a_call_beyond_the_allowance_is_counted_once_and_refused_alike(
    service: tuple[App, str],
) -> None:
    hall, _ = service
    calls = Calls(Allowance("call_minute", 2, 60), clock=lambda: 30.0)
    said = [plain(), plain(beside=LONG_WAY["an expectation"])] * 2
    async with running.door_of(replace(hall, calls=calls)) as url, full_queue(hall):
        with capture_logs() as logged:
            answers = await ask(url, *said)
    assert [head.split()[1] for head, _ in answers] == ["503", "503", "429", "429"]
    (short, said_short), (long_way, said_long) = answers[2:]
    assert (lines(short), said_short) == (lines(long_way), said_long)
    one, other = ({**line, "ms": 0, "attempt_id": ""} for line in logged[2:])
    assert one == other
    assert calls.taken(Peer("203.0.113.9")) == len(said)


async def test_who_is_asked_for_changes_nothing(service: tuple[App, str]) -> None:
    """Nor does what is no JSON: nothing of a body is read where nobody can be judged."""
    hall, url = service
    async with full_queue(hall):
        answers = await ask(
            url, plain(), plain(body='{"email": "ada@example.org"}'), plain(body="x")
        )
    assert len({body for _, body in answers}) == 1


async def test_a_network_that_has_its_share_is_told_at_the_gate(
    service: tuple[App, str],
) -> None:
    """Where nothing of the body is read; whoever comes from elsewhere is judged as ever."""
    hall, url = service
    share, asking = hall.login._hashing.room // 2, Asking(network_of(Peer("203.0.113.9")))
    async with held(hall, share, asking):
        elsewhere = plain(body="x").replace("203.0.113.9", "198.51.100.7")
        told = [head.split()[1] for head, _ in await ask(url, plain(body="x"), elsewhere)]
    assert told == ["503", "400"]


async def test_every_other_request_is_answered_as_ever(service: tuple[App, str]) -> None:
    """Other paths and methods, a head that breaks a rule, and a login once there is room again."""
    hall, url = service
    async with full_queue(hall):
        told = [
            (await ask(url, said))[0][0].split()[1]
            for said in (
                plain("/password/loginx"),
                plain().replace("POST", "PUT", 1),
                plain(beside="Content-Length: 3\r\n"),
                plain(beside="Transfer-Encoding: chunked\r\n"),
                plain("/api/password/login"),
            )
        ]
    assert told == ["404", "405", "400", "411", "503"]
    ((head, _),) = await ask(url, plain())
    assert head.split()[1] == "401"


async def test_a_head_with_two_readings_is_refused_where_there_is_no_room_too(
    service: tuple[App, str],
) -> None:
    """By one refusal and the end of its connection: no answer comes before its head is judged."""
    hall, url = service
    host, _, port = url.removeprefix("http://").rpartition(":")
    asked = POST.replace(b"/token/revoke", PATH.encode())
    every = [said for said in (HEADS | ENCODINGS).values() if said.startswith(POST)]
    async with full_queue(hall):
        for said in every:
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(said.replace(POST, asked))
            heard = await reader.read()
            writer.close()
            assert re.match(rb"HTTP/1\.1 4(00|11) ", heard), said
            assert heard.count(b"HTTP/1.1 ") == 1


async def test_what_comes_behind_a_login_is_answered_too(service: tuple[App, str]) -> None:
    hall, url = service
    host, _, port = url.removeprefix("http://").rpartition(":")
    async with full_queue(hall):
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write((plain() + plain(beside="Connection: close\r\n")).encode())
        heard = await reader.read()
        writer.close()
    assert heard.count(b"HTTP/1.1 503 ") == 2


def from_network(number: int) -> str:
    """A login of a network and for an address of its own: alone they would not fill the line."""
    body = BODY.replace("ada@", f"ada{number}@")
    return plain(body=body).replace("203.0.113.9", f"203.0.113.{number}")


async def test_of_a_flood_every_refusal_is_counted_once(tmp_path: Path) -> None:
    with running.identra(tmp_path, extra=PROXIES + "[metrics]\nport = 0\n") as service:
        metrics = scraping.address_of(service)
        asking = (ask(service.url, *[from_network(n)] * 3) for n in range(MANY))
        answers = [answer for each in await asyncio.gather(*asking) for answer in each]
        told = scraping.scrape(metrics)
    busy = sum(head.split()[1] == "503" for head, _ in answers)
    counted = [
        sum(n for name, n in told.items() if name[0] == metric and wanted in name)
        for metric, wanted in (
            ("identra_requests_total", "reason=BUSY"),
            ("identra_logins_total", "outcome=BUSY"),
        )
    ]
    assert 0 < busy < len(answers)
    assert counted == [busy, busy]
