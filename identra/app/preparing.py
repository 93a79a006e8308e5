"""Making sure the service can start: once, in the parent, before any worker."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Final

import structlog

from identra import loader, master
from identra.app import opening
from identra.app.telling import record_events
from identra.copying import demand_whole
from identra.db.migrations import STEPS, migrate, plan_of, standing
from identra.errors import OperatorError, PluginFailed
from identra.mail import open_letters
from identra.mishaps import Mishaps
from identra.webhooks import read_targets

if TYPE_CHECKING:
    from identra.db import Database
    from identra.db.migrations import Standing
    from identra.loader import Providers
    from identra.settings import Loaded, SettingsTree

SCHEMA_REMEDY: Final = "the database's tables are older than this release; run `identra migrate`"

log = structlog.get_logger(__name__)


async def prepare(loaded: Loaded, *, read_only: bool = False) -> None:
    """SQLite is migrated and given its keys, unless `read_only`; others are only looked at.

    Raises OperatorError with the remedy, StoreUnavailable when the database does not answer.
    """
    tree = loaded.tree
    open_letters(tree.mail, opening.system_clock)
    embedded = tree.persistence.driver == "sqlite" and not read_only
    found = loader.load_for(loaded)
    read_targets(tree.webhooks)
    async with AsyncExitStack() as opened:
        db = await opening.database(tree, None, opened)
        if embedded:
            await migrate(db)
        schema = await demand_schema(db)
        await demand_whole(db)
        if embedded:
            await make_first_keys(loaded, db)
        await opening.ring(tree, db, opening.system_clock).load()
        usable = db.only_reading() if read_only else db
        providers = await opening.settle_issuers(found, usable, opening.system_clock)
        await tell_of_failures(tree, providers, usable)
    if schema.newer:
        log.info("schema is newer", step=str(schema.newer), known=str(STEPS[-1]))


async def tell_of_failures(tree: SettingsTree, providers: Providers, db: Database) -> None:
    """Log each plugin that is left out; where the database may be written it is an event too."""
    mishaps = Mishaps(record_events(tree, db, opening.system_clock))
    for failure in providers.failures:
        log.error("plugin left out", plugin=failure.name, cause=failure.says)
        if db.writable:
            await mishaps.record(PluginFailed(failure.name, "start", failure.says))


async def make_first_keys(loaded: Loaded, db: Database) -> bool:
    """The master key file and the ring's first keys, each only where there is none.

    Whether the ring was made. A ring is never made over one that can't be opened, nor a master
    key file beside a ring that another one sealed.
    """
    tree = loaded.tree
    t = db.tables.keys
    if await db.first(t.select(t.id).limit(1)) is None:
        master.make_file(tree.keys.master_key_files[0])
    return await opening.ring(tree, db, opening.system_clock).init(tree.keys.algorithm)


async def settle_schema(db: Database) -> None:
    """Migrate SQLite; elsewhere raise OperatorError if the schema is older than this release."""
    if db.dialect == "sqlite":
        await migrate(db)
    await demand_schema(db)


async def demand_schema(db: Database) -> Standing:
    """Where the database is. Raises OperatorError unless this release can work with its schema.

    It can with its own, and with that of a newer release which says so in the ledger.
    """
    found = await standing(db)
    if found.pending:
        await plan_of(db)  # where another program's table is in the way, that is what to say
        raise OperatorError(SCHEMA_REMEDY)
    return found
