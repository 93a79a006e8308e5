"""Attack: keep a binding under way while the account changes hands.

Whoever registered another's address early has a session until its owner proves the address. A
binding begun in that session takes as long as the provider does: it must not link a key of the
attacker's to an account that became its owner's meanwhile.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest
from homes import HERE, PASSWORD, code_for, open_home
from standin.github import Email, GitHub, Person

from identra.errors import InvalidToken
from identra.roundtrip import Departure, Return

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from identra.app import App
    from identra.settings import Persistence

ADA = "ada@example.com"
EVE = Person(6, "eve", (Email("eve@example.com"),))


class Meanwhile(httpx.AsyncBaseTransport):
    """GitHub, whose answer to who somebody is comes after something else has happened."""

    def __init__(self, github: GitHub) -> None:
        self._far = github.transport()
        self.happens: Callable[[], Awaitable[object]] | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await self._far.handle_async_request(request)
        happens, self.happens = self.happens, None
        if happens:
            await happens()
        return answer


@pytest.fixture
def github() -> GitHub:
    made = GitHub()
    made.welcome(EVE)
    return made


def sections(github: GitHub) -> dict[str, dict[str, object]]:
    return {
        "password": {"registration": "immediate"},
        "providers.github": {
            "client_id": github.client_id,
            "client_secret": github.client_secret,
            "redirect_url": github.callback,
        },
    }


async def squat(app: App) -> str:
    pair = await app.registration.begin("password", ADA, PASSWORD, HERE)
    assert pair is not None
    return pair.access_token.token


async def back_from(app: App, github: GitHub, bearer: str) -> Return:
    prompt = await app.login.begin_oauth(Departure("github"), HERE, bearer=bearer)
    told = github.approve(prompt.url)
    return Return(told["code"], told["state"])


async def test_the_address_is_proved_by_its_owner_while_the_attacker_binds(
    tmp_path: Path, persistence: Persistence, github: GitHub
) -> None:
    way = Meanwhile(github)
    async with open_home(tmp_path, persistence, sections=sections(github), transport=way) as app:
        bearer = await squat(app)
        back = await back_from(app, github, bearer)

        async def owner_comes() -> None:
            await app.login.begin_code("email", ADA, HERE, use_html=False)
            code = code_for(app, ADA)
            await app.login.complete_code("email", ADA, code, HERE, bearer=None)

        way.happens = owner_comes
        with pytest.raises(InvalidToken):
            await app.binding.bind(bearer, back, HERE)
        user_id = await app.users.find(ADA)
        assert user_id is not None
        owner = await app.users.user(user_id)
        assert owner is not None
        assert owner.identities == ()


async def test_the_session_is_given_back_while_the_binding_is_under_way(
    tmp_path: Path, persistence: Persistence, github: GitHub
) -> None:
    way = Meanwhile(github)
    async with open_home(tmp_path, persistence, sections=sections(github), transport=way) as app:
        pair = await app.registration.begin("password", ADA, PASSWORD, HERE)
        assert pair is not None
        back = await back_from(app, github, pair.access_token.token)
        way.happens = lambda: app.refresh.revoke(pair.refresh_token.token)
        with pytest.raises(InvalidToken):
            await app.binding.bind(pair.access_token.token, back, HERE)


async def test_the_user_is_disabled_while_the_binding_is_under_way(
    tmp_path: Path, persistence: Persistence, github: GitHub
) -> None:
    way = Meanwhile(github)
    async with open_home(tmp_path, persistence, sections=sections(github), transport=way) as app:
        bearer = await squat(app)
        back = await back_from(app, github, bearer)
        user_id = await app.users.find(ADA)
        assert user_id is not None

        async def operator_comes() -> None:
            async with app.database.transaction():
                await app.users.disable(user_id, "test")
                await app.sessions.revoke_all(user_id, "disabled")

        way.happens = operator_comes
        with pytest.raises(InvalidToken):
            await app.binding.bind(bearer, back, HERE)
