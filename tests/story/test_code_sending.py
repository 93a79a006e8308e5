"""A code counts when it leaves, and one leaves at a time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from homes import HERE, PASSWORD, code_for, mails_to, open_home

from identra.errors import Busy
from identra.mail import Outbox

if TYPE_CHECKING:
    from pathlib import Path

    from clock import FrozenClock

    from identra.app import App
    from identra.settings import Persistence
    from identra.values import Message

ADA = "ada@example.com"


class FullOnce(Outbox):
    """A mailer whose queue is full for the first letter."""

    def __init__(self) -> None:
        super().__init__()
        self._full = True

    def post(self, message: Message) -> None:
        if self._full:
            self._full = False
            raise Busy("full")
        super().post(message)


async def ask_to_sign_in(app: App) -> None:
    await app.login.begin_code("email", ADA, HERE, use_html=False)


async def ask_to_register(app: App) -> None:
    await app.registration.begin("password", ADA, PASSWORD, HERE)


@pytest.mark.parametrize("ask", [ask_to_sign_in, ask_to_register])
async def test_a_code_that_could_not_leave_is_made_anew_for_the_next_try(
    tmp_path: Path, persistence: Persistence, ask: object
) -> None:
    assert callable(ask)
    async with open_home(tmp_path, persistence, mailer=FullOnce()) as app:
        with pytest.raises(Busy):
            await ask(app)
        await ask(app)
        assert len(mails_to(app, ADA)) == 1


async def test_of_two_who_ask_at_once_one_sends_and_what_it_sent_is_right(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    """A form sent twice mails one code, whether or not an older one is there to be replaced."""
    async with open_home(tmp_path, persistence, clock=clock) as app:
        for sent in (1, 2):
            await asyncio.gather(*(ask_to_sign_in(app) for _ in range(2)))
            assert len(mails_to(app, ADA)) == sent
            clock.advance(61)
        code = code_for(app, ADA)
        await app.login.complete_code("email", ADA, code, HERE, bearer=None)
