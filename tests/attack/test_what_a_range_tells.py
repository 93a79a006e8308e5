"""The attacker reads all that leaves for the service of breached secrets, and the logs besides:
of a chosen secret she learns five hex digits of its digest, and whose it is from nothing.
"""

from __future__ import annotations

import base64
import logging
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from callers import access, open_house, tokens
from homes import code_for
from standin.faults import SERVER_ERROR, Fault, Instead
from standin.ranges import Ranges, digest
from standin.sites import open_site

if TYPE_CHECKING:
    from identra.settings import Persistence

ADA = "ada@example.com"
SECRET, LATER = "a secret that nobody else has", "another one that nobody else has"
FAULTS: list[Fault | None] = [None, SERVER_ERROR, Instead(body=SECRET.encode())]
pytestmark = pytest.mark.parametrize("persistence", ["sqlite"], indirect=True)


def spellings(secret: str) -> set[str]:
    """A secret, and its digest beyond what may be known, as they may be written."""
    whole = digest(secret)
    raw = base64.b64encode(bytes.fromhex(whole)).decode().rstrip("=")
    return {secret, whole[:6], whole[5:], whole[:6].lower(), whole[5:].lower(), raw}


def databases(folder: Path) -> list[Path]:
    return list(folder.glob("identra.db*"))


@pytest.mark.parametrize("instead", FAULTS, ids=["", "an error", "no range"])
async def test_only_five_hex_digits_ever_leave(
    tmp_path: Path,
    persistence: Persistence,
    instead: Fault | None,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    far = Ranges({}, instead)
    with open_site(far) as site:
        hooks = {"hooks.pwned": {"base_url": site.base_url}}
        async with open_house(tmp_path, persistence, sections=hooks) as house:
            her = house.caller()
            await her.register(ADA, SECRET)
            pair = tokens(await her.confirm(ADA, code_for(house.app, ADA), SECRET))
            body = {"password": LATER, "current_password": SECRET}
            changed = await her.say("/me/password", body, bearer=access(pair))
            assert changed.status_code == 200
    sent = [
        f"{one.method} {one.url} {one.headers.raw!r} {one.content!r}".lower() for one in far.asked
    ]
    assert set(far.prefixes) == {digest(SECRET)[:5], digest(LATER)[:5]}
    assert {len(prefix) for prefix in far.prefixes} == {5}
    names = {name for one in far.asked for name in one.headers}
    assert names <= {"host", "accept", "accept-encoding", "add-padding", "connection", "user-agent"}
    written = capsys.readouterr()
    stored = b"".join(map(Path.read_bytes, databases(tmp_path)))
    told = "".join([caplog.text, written.out, written.err, stored.decode("latin-1")])
    for secret in (SECRET, LATER):
        for spelled in spellings(secret):
            assert not [one for one in sent if spelled.lower() in one]
            assert spelled not in told
    assert not [one for one in sent if "ada" in one or "example.com" in one]
