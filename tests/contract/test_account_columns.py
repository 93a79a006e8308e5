"""What the release before writes, which knows nothing of a person's account, is right beside."""

from __future__ import annotations

from typing import TYPE_CHECKING

from callers import access, open_house, reason, tokens
from homes import PASSWORD, code_for
from piccolo.querystring import QueryString

if TYPE_CHECKING:
    from pathlib import Path

    from callers import House
    from clock import FrozenClock

    from identra.settings import Persistence

ADA, WORK = "ada@example.com", "ada@work.example.com"
LATER = (
    *("users.primary_email", "emails.counts_from"),
    *("credentials.change_required_at", "sessions.counts_from"),
)
TABLES = tuple(column.split(".")[0] for column in LATER)
NAMES = {column.split(".")[1] for column in LATER}


async def forget(house: House) -> None:
    """Leave every row as if the release before had written it."""
    for column in LATER:
        table, name = column.split(".")
        update = f'UPDATE "identra_{table}" SET "{name}" = NULL'  # noqa: S608 - a test's own words
        await house.app.database.change(QueryString(update))


async def test_rows_without_the_columns_of_this_release_can_be_written(
    tmp_path: Path, persistence: Persistence
) -> None:
    """As the release before does, naming just those that it knows."""
    async with open_house(tmp_path, persistence) as house:
        her = house.caller()
        await her.register(ADA)
        tokens(await her.confirm(ADA, code_for(house.app, ADA)))
        for table in TABLES:
            await write_again(house, table)


async def write_again(house: House, table: str) -> None:
    """The one row of a table once more, by another key, as far as the release before knows it."""
    db = house.app.database
    (row,) = await db.fetch(QueryString(f'SELECT * FROM "identra_{table}"'))  # noqa: S608 - a test's own words
    known = {name: value for name, value in row.items() if name not in NAMES}
    known |= {"email" if table == "emails" else "id": "another"}
    known |= {"provider": "other"} if "provider" in known else {}
    names = ", ".join(f'"{name}"' for name in known)
    places = ", ".join("{}" for _ in known)
    insert = f'INSERT INTO "identra_{table}" ({names}) VALUES ({places})'  # noqa: S608 - a test's own words
    assert await db.change(QueryString(insert, *known.values())) == 1


async def test_what_it_wrote_means_what_it_always_did(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    async with open_house(tmp_path, persistence, clock=clock) as house:
        her = house.caller()
        await her.register(ADA)
        bearer = access(tokens(await her.confirm(ADA, code_for(house.app, ADA))))
        clock.advance(1)
        assert reason(await her.say("/me/addresses", {"email": WORK}, bearer=bearer)) == "200"
        said = {"email": WORK, "code": code_for(house.app, WORK)}
        assert reason(await her.say("/me/addresses/confirm", said, bearer=bearer)) == "200"
        await forget(house)
        assert (await her.info(bearer)).json()["email"] == ADA, "the oldest proved one"
        assert reason(await her.log_in(ADA)) == "200"
        change = {"password": f"{PASSWORD} of hers"}
        assert reason(await her.say("/me/password", change, bearer=bearer)) == "200"
        assert reason(await her.say("/password/reset", {"email": WORK})) == "200"
        reset = change | {"email": WORK, "code": code_for(house.app, WORK)}
        pair = tokens(await her.say("/password/reset/confirm", reset))
        told = (await her.ask("/me/export", bearer=access(pair))).json()
        assert [one["primary"] for one in told["addresses"]] == [True, False]
        assert reason(await her.end("/me", bearer=access(pair))) == "200"
        assert reason(await her.log_in(ADA, change["password"])) == "USER_DISABLED"
