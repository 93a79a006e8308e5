"""Registering with a mailed code, through the REST door."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import spoken
from homes import PASSWORD, code_for
from running import door

from identra.app import opened_office
from identra.settings import load

if TYPE_CHECKING:
    from pathlib import Path

ADA = "ada@example.com"
VERIFIED = '[password]\nregistration = "verified"\n'


async def test_a_code_does_not_set_a_second_password_beside_the_owners(tmp_path: Path) -> None:
    async with door(tmp_path, extra=VERIFIED) as (hall, url), httpx.AsyncClient() as plain:
        said = (await plain.get(f"{url}/openapi.json")).json()
        async with spoken.async_client(url, said) as client:
            begun = {"email": ADA, "password": PASSWORD}
            assert (await client.post("/password/register", json=begun)).status_code == 202
            async with opened_office(load(tmp_path / "identra.toml", {})) as office:
                await office.create(ADA, "another password", proved=True, by="test")
            body = {**begun, "code": code_for(hall, ADA)}
            answer = await client.post("/password/register/confirm", json=body)
            assert (answer.status_code, answer.json()["reason"]) == (409, "EMAIL_TAKEN")
