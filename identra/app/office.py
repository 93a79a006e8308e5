"""What the command line opens: no more of the house than a command needs."""

from __future__ import annotations

import errno
import os
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from identra import loader, master
from identra.acquaintance import Acquaintance
from identra.adminkeys import AdminKeys
from identra.app import mending, opening
from identra.app.plugging import plug
from identra.app.preparing import demand_schema, settle_schema
from identra.app.telling import record_events
from identra.attempts import AttemptLog
from identra.copying import Copying, Place
from identra.db.migrations import migrate, standing
from identra.dispatches import Dispatches
from identra.errors import OperatorError
from identra.events import EventLog
from identra.issuers import Issuers
from identra.limits import Ledger
from identra.mail import Errands, NoMailer, open_letters
from identra.notices import Notices
from identra.portable import Arrivals
from identra.relief import Relief
from identra.users import Users
from identra.users.reading import Reading
from identra.values import SECOND
from identra.ways import ways_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from identra.app.plugging import Plugged
    from identra.db import Database
    from identra.housekeeping import Housekeeping
    from identra.loader import Providers
    from identra.office import Office
    from identra.settings import Loaded, Persistence, SettingsTree
    from identra.values import Mailer

ERRANDS: Final = 30.0
"""Seconds in which a command's letters leave."""


@asynccontextmanager
async def opened_database(loaded: Loaded) -> AsyncIterator[Database]:
    """The database alone, whatever its schema."""
    async with AsyncExitStack() as opened:
        yield await opening.database(loaded.tree, None, opened)


@asynccontextmanager
async def opened_housekeeping(loaded: Loaded) -> AsyncIterator[Housekeeping]:
    """Whoever removes what is over. SQLite is migrated first; elsewhere as `opened_office`."""
    async with AsyncExitStack() as opened:
        db = await opening.database(loaded.tree, None, opened)
        await settle_schema(db)
        plugged = _plug(loaded, db, opened)
        yield opening.housekeeping(loaded.tree, db, plugged.events)


@asynccontextmanager
async def opened_attempts(loaded: Loaded) -> AsyncIterator[AttemptLog]:
    """What became of attempts to get in. The schema is settled as for `opened_office`."""
    async with AsyncExitStack() as opened:
        db = await opening.database(loaded.tree, None, opened)
        await settle_schema(db)
        yield AttemptLog(db)


@asynccontextmanager
async def opened_events(loaded: Loaded) -> AsyncIterator[tuple[EventLog, Reading]]:
    """What was recorded, and of whom. The schema is settled as for `opened_office`."""
    async with AsyncExitStack() as opened:
        db = await opening.database(loaded.tree, None, opened)
        await settle_schema(db)
        yield EventLog(db), Reading(db)


@asynccontextmanager
async def opened_admin_keys(loaded: Loaded) -> AsyncIterator[AdminKeys]:
    """The admin keys. The schema is settled as for `opened_office`."""
    tree, clock = loaded.tree, opening.system_clock
    async with AsyncExitStack() as opened:
        db = await opening.database(tree, None, opened)
        await settle_schema(db)
        yield AdminKeys(db, record_events(tree, db, clock), clock)


@asynccontextmanager
async def opened_dispatches(loaded: Loaded) -> AsyncIterator[Dispatches]:
    """What is on its way to webhooks. The schema is settled as for `opened_office`."""
    async with AsyncExitStack() as opened:
        db = await opening.database(loaded.tree, None, opened)
        await settle_schema(db)
        yield Dispatches(db)


@asynccontextmanager
async def opened_copying(loaded: Loaded, other: Loaded) -> AsyncIterator[Copying]:
    """A copy from one database to another, which is migrated and gets a master key if need be.

    Raises OperatorError where the copy can't begin; nothing in the other is changed then but
    its empty tables made.
    """
    _demand_two(loaded.tree, other.tree)
    _demand_file(loaded.tree.persistence)
    ours = master.read_files(loaded.tree.keys.master_key_files)
    async with AsyncExitStack() as opened:
        source = await opening.database(loaded.tree, None, opened)
        target = await opening.database(other.tree, None, opened)
        if (await demand_schema(source)).newer or (await standing(target)).newer:
            raise OperatorError(
                "a newer release has changed a database's tables; copy with that release,"
                " which knows all of them"
            )
        await migrate(target)
        master.make_file(other.tree.keys.master_key_files[0])
        theirs = master.read_files(other.tree.keys.master_key_files)
        copying = Copying(Place(source, ours), Place(target, theirs))
        await copying.check()
        yield copying


def _is_new(place: Persistence) -> bool:
    """Whether it is an embedded database that nobody has made yet."""
    return place.driver == "sqlite" and not Path(place.name).exists()


def _demand_file(source: Persistence) -> None:
    """A source that is not there is not made: there is nothing to copy."""
    if _is_new(source):
        said = os.strerror(errno.ENOENT)
        raise OperatorError(f"{source.name}: {said}; look at persistence.name")


def _demand_two(one: SettingsTree, other: SettingsTree) -> None:
    here, there = one.persistence, other.persistence
    if (here.driver, here.host, here.port, here.name) == (
        there.driver,
        there.host,
        there.port,
        there.name,
    ):
        raise OperatorError("persistence.name: both settings name the same database")


@asynccontextmanager
async def opened_arrivals(loaded: Loaded) -> AsyncIterator[Arrivals]:
    """Whoever takes users in. The schema is settled as for `opened_office`."""
    async with AsyncExitStack() as opened:
        db = await opening.database(loaded.tree, None, opened)
        await settle_schema(db)
        yield Arrivals(db, record_events(loaded.tree, db, opening.system_clock))


@asynccontextmanager
async def opened_theirs(
    place: Persistence, called: Callable[[str], str]
) -> AsyncIterator[Database]:
    """Another program's database, only to be read; `called` names its settings to the operator."""
    async with AsyncExitStack() as opened:
        yield await opening.theirs(place, called, opened)


@asynccontextmanager
async def opened_issuers(loaded: Loaded) -> AsyncIterator[Issuers]:
    """What the providers' names stand for. The schema is settled as for `opened_office`."""
    async with AsyncExitStack() as opened:
        db = await opening.database(loaded.tree, None, opened)
        await settle_schema(db)
        yield Issuers(db, record_events(loaded.tree, db, opening.system_clock))


async def moved_issuers(loaded: Loaded, providers: Providers) -> Mapping[str, str]:
    """What is wrong, by name, with the places that names stand for; nothing is recorded.

    Raises OperatorError where the database can't be read. One that is not there yet knows of none.
    """
    if _is_new(loaded.tree.persistence):
        return {}
    async with AsyncExitStack() as opened:
        db = await opening.database(loaded.tree, None, opened)
        await demand_schema(db)
        asked, usable = providers.at_start(), db.only_reading()
        return await opening.moved_issuers(asked, usable, opening.system_clock)


@asynccontextmanager
async def opened_relief(loaded: Loaded) -> AsyncIterator[Relief]:
    """Whoever shows and releases allowances, where all nodes count them. As `opened_office`."""
    tree, clock = loaded.tree, opening.system_clock
    async with AsyncExitStack() as opened:
        db = await opening.database(tree, None, opened)
        await settle_schema(db)
        store = await opening.state(tree, db, opened)
        events = record_events(tree, db, clock)
        users = Users(db, events, clock)
        known = Acquaintance(users, events, clock)
        yield Relief(Ledger(store), loader.load_for(loaded), users, known, events)


def _untold(letter: str, cause: str) -> None:
    """Nobody asked what became of letters."""


@asynccontextmanager
async def opened_office(
    loaded: Loaded, unsent: Callable[[str, str], None] = _untold
) -> AsyncIterator[Office]:
    """The operators' room. SQLite is migrated first; elsewhere an old schema is refused.

    Its letters leave before it is closed; `unsent` is told of each that did not, and why.
    """
    tree, clock = loaded.tree, opening.system_clock
    async with AsyncExitStack() as opened:
        db = await opening.database(tree, None, opened)
        await settle_schema(db)
        providers = loader.load_for(loaded)
        errands = Errands(tree.smtp_mailer, clock, unsent)
        opened.push_async_callback(errands.close, ERRANDS)
        plugged = _plug(loaded, db, opened, providers, errands)
        users = Users(db, plugged.events, clock)
        ways = ways_of(providers, mail=tree.smtp_mailer is not None)
        yield mending.open_office(
            db,
            clock,
            plugged,
            providers=providers,
            users=users,
            notices=Notices(plugged.messenger, users, open_letters(tree.mail, clock)),
            hashing=opening.hashing(tree, opened),
            ways=lambda: ways,
            grace=tree.auth.deletion_grace * SECOND,
        )


def _plug(
    loaded: Loaded,
    db: Database,
    opened: AsyncExitStack,
    providers: Providers | None = None,
    mailer: Mailer | None = None,
) -> Plugged:
    """Plugins are told what a command does, and asked what they are asked at the doors."""
    return plug(
        loaded.tree,
        providers or loader.load_for(loaded),
        db=db,
        clock=opening.system_clock,
        mailer=mailer or NoMailer(),
        transport=None,
        opened=opened,
    )
