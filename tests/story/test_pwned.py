"""A secret that is known from a breach is not to be chosen, by a service that never learns it."""

from __future__ import annotations

import asyncio
import ssl
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from authority import Authority
from callers import IMMEDIATE, access, open_house, reason, tokens
from homes import PASSWORD, code_for, write_settings
from plugged import events
from standin.faults import EMPTY, HTML, RATE_LIMITED, REDIRECT, SERVER_ERROR, Instead, Slow
from standin.ranges import Ranges, digest
from standin.sites import open_site

from identra import loader
from identra.errors import OperatorError
from identra.loader import PluginError
from identra.settings import Loaded, load
from identra_pwned import LARGEST, PATIENCE
from identra_pwned.ranges import KEPT, ROOM, times_seen
from identra_pwned.ranges import Ranges as Kept

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from callers import House
    from standin.faults import Fault

    from identra.settings import Persistence

ADA = "ada@example.com"
BREACHED, FINE = "open sesame 1", "another horse battery staple"
KNOWN = {"field": "password", "message": "is known from a breach"}
pytestmark = pytest.mark.parametrize("persistence", ["sqlite"], indirect=True)


@dataclass(frozen=True)
class Guarded:
    """A house that asks for ranges, and the place that has them."""

    house: House
    far: Ranges

    async def register(self, secret: str) -> httpx.Response:
        return await self.house.caller().register(ADA, secret)

    async def failures(self) -> list[str]:
        told = await events(self.house, "plugin.failed")
        return [f"{one['plugin']} {one['call']}: {one['cause']}" for one in told]


@asynccontextmanager
async def guarded(
    folder: Path,
    place: Persistence,
    far: Ranges,
    sections: dict[str, dict[str, Any]] = IMMEDIATE,
    **said: Any,
) -> AsyncIterator[Guarded]:
    with open_site(far) as site:
        hooks = {"hooks.pwned": {"base_url": site.base_url, **said}}
        async with open_house(folder, place, sections={**sections, **hooks}) as house:
            yield Guarded(house, far)


async def test_a_breached_secret_is_refused_and_leaves_nothing(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with guarded(tmp_path, persistence, Ranges({BREACHED: 1})) as there:
        refused = await there.register(BREACHED)
        assert (refused.status_code, refused.json()["details"]) == (400, [KNOWN])
        assert await there.house.rows("users") == {"users": 0}
        tokens(await there.register(FINE))
        assert there.far.prefixes == [digest(BREACHED)[:5], digest(FINE)[:5]]
        assert await there.failures() == []


async def test_it_is_asked_wherever_a_secret_is_chosen_and_nowhere_else(
    tmp_path: Path, persistence: Persistence
) -> None:
    far = Ranges({BREACHED: 3})
    async with guarded(tmp_path, persistence, far, {}) as there:
        her, pair = await there.house.owner(ADA)
        new = {"bearer": access(pair)}
        assert reason(await her.register(ADA, BREACHED)) == "INVALID_ARGUMENT"
        refused = await her.say("/me/password", {"password": BREACHED}, **new)
        assert refused.json()["details"] == [KNOWN]
        assert (await her.say("/me/password", {"password": FINE}, **new)).status_code == 200
        assert (await her.say("/password/reset", {"email": ADA})).json() == {}
        body = {"email": ADA, "code": code_for(there.house.app, ADA), "password": BREACHED}
        refused = await her.say("/password/reset/confirm", body)
        assert refused.json()["details"] == [KNOWN]
        tokens(await her.say("/password/reset/confirm", body | {"password": PASSWORD}))
        asked = len(far.asked)
        tokens(await her.log_in(ADA, PASSWORD))
        assert reason(await her.log_in(ADA, BREACHED)) == "INVALID_CREDENTIALS"
        assert len(far.asked) == asked


async def test_a_row_that_merely_pads_the_answer_is_no_hit(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with guarded(tmp_path, persistence, Ranges({BREACHED: 0})) as there:
        tokens(await there.register(BREACHED))
        assert there.far.asked[0].headers["add-padding"] == "true"


async def test_a_secret_seen_less_often_than_the_threshold_may_be_chosen(
    tmp_path: Path, persistence: Persistence
) -> None:
    far = Ranges({BREACHED: 10, FINE: 9})
    async with guarded(tmp_path, persistence, far, threshold=10) as there:
        assert reason(await there.register(BREACHED)) == "INVALID_ARGUMENT"
        tokens(await there.register(FINE))


ROW = b"0" * 35 + b":1\r\n"
FAULTS: dict[str, tuple[Fault, str]] = {
    "silence": (Slow(10), "no answer in time"),
    "an error": (SERVER_ERROR, "ProviderUnavailable"),
    "a refusal": (Instead(403), "ProviderRefused"),
    "a limit": (RATE_LIMITED, "ProviderUnavailable"),
    "a redirect": (REDIRECT, "ProviderUnavailable"),
    "nothing": (EMPTY, "ValueError"),
    "a page": (HTML, "ValueError"),
    "no text": (Instead(body=b"\xff" * 38), "ProviderUnavailable"),
    "a row too short": (Instead(body=ROW + b"0" * 34 + b":1"), "ValueError"),
    "a count that is none": (Instead(body=ROW + b"0" * 35 + b":\xd9\xa1"), "ValueError"),
    "a long range": (Instead(body=ROW * (LARGEST // len(ROW) + 1)), "ValueError"),
    "far too much": (Instead(body=b"0" * (2 << 20)), "ProviderUnavailable"),
}


FEW = {"silence", "an error", "a page"}
"""One of each way to fail; the others take as long again."""


@pytest.mark.parametrize(
    "case", [pytest.param(c, marks=[] if c in FEW else [pytest.mark.long]) for c in FAULTS]
)
async def test_where_no_range_is_to_be_had_the_list_of_the_house_decides_and_it_is_told(
    tmp_path: Path, persistence: Persistence, case: str
) -> None:
    fault, cause = FAULTS[case]
    async with guarded(tmp_path, persistence, Ranges({BREACHED: 1}, fault)) as there:
        assert reason(await there.register("password123")) == "INVALID_ARGUMENT"
        assert there.far.asked == []
        began = time.monotonic()
        tokens(await there.register(BREACHED))
        assert time.monotonic() - began < PATIENCE + 2
        assert await there.failures() == [f"pwned check_password: {cause}"]


async def test_nobody_gets_past_it_unasked_where_it_is_required(
    tmp_path: Path, persistence: Persistence
) -> None:
    required = {"plugins": {"required": ["pwned"]}, **IMMEDIATE}
    far = Ranges({}, SERVER_ERROR)
    async with guarded(tmp_path, persistence, far, required) as there:
        assert reason(await there.register(FINE)) == "PROVIDER_UNAVAILABLE"
        assert await there.house.rows("users") == {"users": 0}
        far.instead = None
        tokens(await there.register(FINE))


async def test_it_is_off_unless_its_section_is_there_and_does_not_say_so(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with guarded(tmp_path, persistence, Ranges({BREACHED: 1}), enabled=False) as there:
        tokens(await there.register(BREACHED))
        assert there.far.asked == []
        assert not there.house.app.providers.hooks("check_password")
    assert not opened(tmp_path, persistence, {}).hooks("check_password")
    assert opened(tmp_path, persistence, {"hooks.pwned": {}}).hooks("check_password")


def opened(folder: Path, place: Persistence, sections: dict[str, dict[str, Any]]) -> Any:
    return loader.load_for(loaded(folder, place, sections))


def loaded(folder: Path, place: Persistence, sections: dict[str, dict[str, Any]]) -> Loaded:
    return load(write_settings(folder, place, sections=sections), {})


@pytest.mark.parametrize("section", [{}, {"hooks.pwned": {"enabled": False}}], ids=["", "off"])
def test_what_is_required_and_off_is_no_start(
    tmp_path: Path, persistence: Persistence, section: dict[str, dict[str, Any]]
) -> None:
    said = {"plugins": {"required": ["pwned"]}, **section}
    with pytest.raises(PluginError, match=r"\[hooks.pwned\] is off"):
        opened(tmp_path, persistence, said)


@pytest.mark.parametrize(
    "said",
    [
        {"base_url": "http://ranges.example.com"},
        {"base_url": "http://127.0.0.1.example.com"},
        {"base_url": "https://ada@ranges.example.com"},
        {"base_url": "https://ranges.example.com?range="},
        {"base_url": "https://ranges.example.com/#"},
        {"base_url": "https:///range"},
        {"base_url": "https://ranges.example.com:port"},
        {"base_url": "https://ranges.example.com:99999"},
        {"base_url": "https://ranges.example.com:0"},
        {"base_url": "https://ranges example.com"},
        {"base_url": "ranges.example.com"},
        {"threshold": 0},
        {"treshold": 1},
    ],
)
def test_a_section_that_makes_no_sense_is_no_start(
    tmp_path: Path, persistence: Persistence, said: dict[str, Any]
) -> None:
    with pytest.raises(OperatorError, match=r"hooks\.pwned"):
        opened(tmp_path, persistence, {"hooks.pwned": said})


async def test_a_mirror_is_asked_by_tls_alone_below_its_own_path(
    tmp_path: Path, persistence: Persistence, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority(tmp_path)
    asked: list[bytes] = []

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        row = f"{digest(BREACHED)[5:].lower()}:7".encode()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 37\r\nConnection: close\r\n\r\n" + row)
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0, ssl=authority.server_context())
    url = f"https://localhost:{server.sockets[0].getsockname()[1]}/mirror/"
    context = ssl.create_default_context(cafile=str(authority.file))
    wire = httpx.AsyncHTTPTransport(verify=context, trust_env=False)
    hooks = {"hooks.pwned": {"base_url": url}, **IMMEDIATE}
    async with open_house(tmp_path, persistence, sections=hooks, transport=wire) as house:
        assert reason(await house.caller().register(ADA, BREACHED)) == "INVALID_ARGUMENT"
    assert asked[0].startswith(f"GET /mirror/range/{digest(BREACHED)[:5]} HTTP/1.1\r\n".encode())
    server.close()


async def test_who_registers_and_confirms_with_one_secret_is_asked_about_once(
    tmp_path: Path, persistence: Persistence
) -> None:
    far = Ranges()
    async with guarded(tmp_path, persistence, far, {}) as there:
        her = there.house.caller()
        assert (await her.register(ADA, FINE)).status_code == 202
        tokens(await her.confirm(ADA, code_for(there.house.app, ADA), FINE))
        assert far.prefixes == [digest(FINE)[:5]]


async def test_what_is_no_range_is_not_kept(tmp_path: Path, persistence: Persistence) -> None:
    far = Ranges({BREACHED: 1}, HTML)
    async with guarded(tmp_path, persistence, far) as there:
        tokens(await there.register(BREACHED))
        far.instead = None
        there_too = await there.house.caller().register("eve@example.com", BREACHED)
        assert reason(there_too) == "INVALID_ARGUMENT"


def test_a_range_is_kept_for_a_while_and_few_are(persistence: Persistence) -> None:
    kept = Kept()
    kept.keep("00000", "text", 0.0)
    assert kept.find("00000", KEPT - 1) == "text"
    assert kept.find("00000", KEPT) is None
    for number in range(ROOM):
        kept.keep(f"{number + 1:05X}", "text", 1.0)
    assert kept.find("00000", 1.0) is None
    assert all(kept.find(f"{number + 1:05X}", 1.0) for number in range(ROOM))


def test_the_largest_of_several_rows_of_one_end_counts(persistence: Persistence) -> None:
    end = "A" * 35
    assert times_seen(end, f"{end}:0\n{end}:7\r\n{end.lower()}:3\n{'B' * 35}:9") == 7
    assert times_seen("C" * 35, f"{end}:1") == 0
