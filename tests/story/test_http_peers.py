"""Every peer the door can name is counted, and none is turned away for how it is spelled."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest
import running

if TYPE_CHECKING:
    from pathlib import Path

BEHIND_A_PROXY = '[http]\ntrusted_proxies = ["127.0.0.0/8"]\n'
WRONG = {"email": "ada@example.com", "password": "not hers"}


@pytest.mark.parametrize("peer", ["198.51.100.7", "2001:db8::7", "::ffff:198.51.100.7", "fe80::1"])
async def test_a_peer_has_ten_failures_a_minute_in_whatever_spelling(
    tmp_path: Path, peer: str
) -> None:
    headers = {"X-Forwarded-For": peer}
    async with (
        running.door(tmp_path, extra=BEHIND_A_PROXY) as (_, url),
        httpx.AsyncClient(base_url=url, headers=headers) as client,
    ):
        for turn in range(11):
            wrong = WRONG | {"email": f"{turn}@example.com"}
            answer = await client.post("/password/login", json=wrong)
            assert answer.status_code == (401 if turn < 10 else 429), answer.text


async def test_two_addresses_of_one_ipv6_site_share_an_allowance(tmp_path: Path) -> None:
    async with (
        running.door(tmp_path, extra=BEHIND_A_PROXY) as (_, url),
        httpx.AsyncClient(base_url=url) as client,
    ):
        for turn in range(12):
            headers = {"X-Forwarded-For": f"2001:db8::{turn:x}"}
            wrong = WRONG | {"email": f"{turn}@example.com"}
            answer = await client.post("/password/login", json=wrong, headers=headers)
        assert answer.status_code == 429
        headers = {"X-Forwarded-For": "2001:db8:0:1::1"}
        answer = await client.post("/password/login", json=WRONG, headers=headers)
        assert answer.status_code == 401
