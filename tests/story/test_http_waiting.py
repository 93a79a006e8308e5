"""What a request waits until anybody takes it in is known, and charged to what it has left."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from typing import TYPE_CHECKING, Any

import pytest
from callers import IMMEDIATE, open_house
from homes import PASSWORD
from plugged import plugin

from identra.deadline import STORES, time_left

if TYPE_CHECKING:
    from pathlib import Path

    from identra.settings import Persistence

HELD_UP = 0.6
BODY = json.dumps({"email": "ada@example.com", "password": PASSWORD}).encode()
REGISTRATION = (
    b"POST /password/register HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\n\r\n%b" % (len(BODY), BODY)
)


@pytest.mark.parametrize("persistence", ["sqlite"], indirect=True)
@pytest.mark.parametrize("knocked", [False, True], ids=["a new connection", "one that is kept"])
async def test_what_waited_has_less_time_left(
    tmp_path: Path, persistence: Persistence, knocked: bool
) -> None:
    left: list[float] = []

    async def check_password(choice: Any) -> None:
        left.append(time_left() or 0)

    async with open_house(
        tmp_path,
        persistence,
        sections=IMMEDIATE | {"plugins": {"enabled": ["clock"]}},
        plugins={"clock": plugin("clock", check_password)},
    ) as house:
        for held_up in (0.0, HELD_UP):
            place = house.http.base_url
            with socket.create_connection((place.host, place.port or 80)) as line:
                if knocked:
                    await asyncio.sleep(0.1)
                line.sendall(REGISTRATION)
                time.sleep(held_up)  # noqa: ASYNC251 - nobody takes it in meanwhile
                line.setblocking(False)
                loop = asyncio.get_running_loop()
                assert (await loop.sock_recv(line, 99)).startswith(b"HTTP/1.1 ")
    prompt, late = left
    assert prompt <= STORES
    assert late < STORES - HELD_UP + 0.05
