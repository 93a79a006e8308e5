"""Operators find users by what an address begins with, and leaf through all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from homes import open_home
from hypothesis import given
from hypothesis import strategies as st
from plans import Listening

from identra.address import spell, spell_beginning
from identra.errors import InvalidArgument, NotFound
from identra.office import OPERATOR

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from identra.app import App
    from identra.settings import Persistence

ODD = ("a%b@example.com", "a_b@example.com", "axb@example.com", "a-b@example.com", "b@example.com")
LOCAL = "abcXYZ019!#$%&'*+/=?^_`{|}~-"


async def make(app: App, *emails: str) -> list[str]:
    return [await app.office.create(one, None, proved=True, by=OPERATOR) for one in emails]


async def leaf(app: App, limit: int, **which: str) -> AsyncIterator[list[str]]:
    """Page after page, each as the addresses of those on it."""
    after = ""
    while True:
        page = await app.office.list(limit=limit, after=after, **which)  # type: ignore[arg-type]
        yield [user.addresses[0].email for user in page.users]
        after = page.next
        if not after:
            return


async def found(app: App, prefix: str) -> list[str]:
    return [one async for page in leaf(app, 2, prefix=prefix) for one in page]


async def test_what_an_address_begins_with_stands_for_itself(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with open_home(tmp_path, persistence) as app:
        await make(app, *ODD, "c@xn--bcher-kva.example")
        assert await found(app, "a%") == ["a%b@example.com"]
        assert await found(app, "A_B@") == ["a_b@example.com"]
        assert await found(app, "a\\") == await found(app, "*") == await found(app, "_") == []
        assert await found(app, " a ") == sorted(ODD[:4])
        assert await found(app, "b@example.com") == ["b@example.com"]
        assert await found(app, "c@bücher.example") == ["c@xn--bcher-kva.example"]
        for nothing in ("", "  ", "ä", "a\0", "a\x7f", "a b", "a\ud800", "a" * 300):
            with pytest.raises(InvalidArgument):
                await found(app, nothing)


async def test_one_is_found_by_her_whole_address_however_it_is_written(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with open_home(tmp_path, persistence) as app:
        ids = await make(app, *ODD)
        page = await app.office.list(limit=5, email=" A_b@Example.com")
        assert ([user.user_id for user in page.users], page.next) == ([ids[1]], "")
        assert (await app.office.list(limit=5, email="nobody@example.com")).users == ()
        with pytest.raises(InvalidArgument):
            await app.office.list(limit=5, email="a@example.com", prefix="a")
        for nobody in ("nobody", "x" * 500, "\0", "\ud800"):
            with pytest.raises(NotFound):
                await app.office.show(nobody)
        for nowhere in ("\0", "\n", "\ud800"):
            with pytest.raises(InvalidArgument):
                await app.office.list(limit=5, after=nowhere)
        for elsewhere in ("!", "a@example.com", "{"):
            with pytest.raises(InvalidArgument):
                await app.office.list(limit=5, prefix="z", after=elsewhere)


@pytest.mark.parametrize("which", [{}, {"prefix": "p"}])
async def test_who_comes_or_goes_meanwhile_has_nobody_else_twice_or_left_out(
    tmp_path: Path, persistence: Persistence, which: dict[str, str]
) -> None:
    async with open_home(tmp_path, persistence) as app:
        stay = [f"p{number}@example.com" for number in range(1, 9)]
        await make(app, *stay[:1], "p1-goes@example.com", *stay[1:], "p9-goes@example.com")
        seen: list[str] = []
        async for page in leaf(app, 3, **which):
            seen += page
            await make(app, f"p{len(seen)}-comes@example.com", f"p0{len(seen)}@example.com")
            for gone in ("p1-goes@example.com", "p9-goes@example.com"):
                if (await app.office.list(limit=1, email=gone)).users:
                    await app.office.delete(gone, now=True, by=OPERATOR)
            if len(seen) > 30:
                break
        known = [one for one in seen if one in stay]
        assert known == stay
        assert len(seen) == len(set(seen))


async def test_whoever_has_several_such_addresses_is_found_once(
    tmp_path: Path, persistence: Persistence
) -> None:
    """By the oldest of them: one that she adds on the way does not move her."""
    async with open_home(tmp_path, persistence) as app:
        (ada, _) = await make(app, "m@example.com", "n@example.com")
        for further in ("a@example.com", "m1@example.com", "z@example.com"):
            await app.office.prove(ada, further, by=OPERATOR)
        assert await found(app, "m") == ["m@example.com"]
        found_all = [one async for page in leaf(app, 1) for one in page]
        assert found_all == ["m@example.com", "n@example.com"]
        pages = [await app.office.list(limit=5, prefix=one) for one in ("a", "z", "m1")]
        assert [[user.user_id for user in page.users] for page in pages] == [[ada]] * 3


async def test_a_page_takes_two_statements_whoever_is_on_it(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with open_home(tmp_path, persistence) as app:
        await make(app, *(f"p{number}@example.com" for number in range(30)))
        for which in ({}, {"prefix": "p"}):
            listening = Listening(app.database._engine)
            app.database._engine = listening
            page = await app.office.list(limit=25, **which)  # type: ignore[arg-type]
            assert len(page.users) == 25
            assert len(listening.heard["nothing"]) == 2
            app.database._engine = listening.engine


@given(st.text(LOCAL, min_size=1, max_size=20), st.integers(1))
def test_an_address_begins_with_its_own_beginnings(local: str, length: int) -> None:
    spelled = spell(f"{local}@Example.com")
    assert spelled.startswith(spell_beginning(f"{local}@Example.com"[:length]))


@given(st.text())
def test_whatever_is_typed_becomes_a_beginning_or_is_refused(said: str) -> None:
    try:
        spelled = spell_beginning(said)
    except InvalidArgument:
        return
    assert spelled
    assert spelled.isascii()
    assert spelled.isprintable()
    assert spelled == spelled.lower()
