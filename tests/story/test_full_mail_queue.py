"""What a mailed code is worth when the mail queue had no room for it: nothing, and it says so."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from homes import HERE, PASSWORD
from running import write_settings

from identra.app import App, Swapped, build, prepare
from identra.errors import Busy
from identra.mail import SmtpMailer
from identra.settings import load
from identra.settings.sections import SmtpMailer as SmtpSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

ADA = "ada@example.com"


@asynccontextmanager
async def house_with_a_full_queue(folder: Path) -> AsyncIterator[App]:
    section = SmtpSettings.model_validate({"host": "localhost", "from": "noreply@example.com"})
    loaded = load(write_settings(folder), {})
    await prepare(loaded)
    app = await build(loaded, swapped=Swapped(mailer=SmtpMailer(section, room=0)))
    try:
        yield app
    finally:
        await app.close()


async def test_each_try_to_get_a_code_is_answered_busy(tmp_path: Path) -> None:
    async with house_with_a_full_queue(tmp_path) as app:
        for _ in range(2):
            with pytest.raises(Busy):
                await app.login.begin_code("email", ADA, HERE, use_html=False)


async def test_each_try_to_register_is_answered_busy(tmp_path: Path) -> None:
    async with house_with_a_full_queue(tmp_path) as app:
        for _ in range(2):
            with pytest.raises(Busy):
                await app.registration.begin("password", ADA, PASSWORD, HERE)
