"""Opening what holds and changes the key ring, for the server and for commands."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from identra import master
from identra.app import keeping, opening
from identra.app.preparing import settle_schema
from identra.app.telling import record_events
from identra.keys import RELOAD_EVERY, Orders, Resealing, Rotation, RotationPolicy, Sealing, Turning
from identra.meter import UNMETERED
from identra.nodes import Nodes
from identra.sessions import Ending
from identra.values import SECOND

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from identra.db import Database
    from identra.keys import Keys
    from identra.meter import Meter
    from identra.settings import Loaded, SettingsTree
    from identra.values import Clock

MAX_AGES: Final = 2
"""A verifier may have read the key set just before a key was in it, and a cache before it may have
kept it for as long again."""

KNOWN_HERE: Final = round(2 * RELOAD_EVERY)
"""Seconds until every process of ours has a new key in the key set that it answers with."""


@dataclass(frozen=True, slots=True)
class Workshop:
    """Everything by which the ring is changed."""

    rotation: Rotation
    orders: Orders
    resealing: Resealing
    sessions: Ending


async def open_ring(
    tree: SettingsTree, db: Database, clock: Clock, meter: Meter, opened: AsyncExitStack
) -> Keys:
    """The ring of a house, read again and rotated for as long as that is open."""
    keys = opening.ring(tree, db, clock)
    await keeping.keep_reloading(keys, opened)
    keeping.keep_rotating(tree, workshop(tree, db, clock, meter).rotation, keys, db, opened)
    return keys


def workshop(tree: SettingsTree, db: Database, clock: Clock, meter: Meter = UNMETERED) -> Workshop:
    """What changes the ring of this database. Raises MasterKeyError for files of no use."""
    keys = master.read_files(tree.keys.master_key_files)
    events, policy = record_events(tree, db, clock, meter=meter), rotation_policy(tree)
    steps = opening.steps(tree, db, keys, events)
    sealing = Sealing(keys, Nodes(db))
    turning = Turning(db, steps, sealing)
    return Workshop(
        rotation=Rotation(db, turning, policy),
        orders=Orders(db, turning, policy),
        resealing=Resealing(db, steps, events, sealing),
        sessions=Ending(db, events),
    )


@asynccontextmanager
async def opened_workshop(loaded: Loaded) -> AsyncIterator[Workshop]:
    """What changes the ring, once the ring could be opened. The schema is settled first.

    Raises NoKeysError, MasterKeyError, StoreUnavailable.
    """
    async with AsyncExitStack() as opened:
        db = await opening.database(loaded.tree, None, opened)
        await settle_schema(db)
        await opening.ring(loaded.tree, db, opening.system_clock).load()
        yield workshop(loaded.tree, db, opening.system_clock)


def rotation_policy(tree: SettingsTree) -> RotationPolicy:
    """How keys follow each other, as the settings say."""
    keys = tree.keys
    soonest = MAX_AGES * keys.jwks_max_age + KNOWN_HERE
    return RotationPolicy(
        algorithm=keys.algorithm,
        every=None if keys.rotate_every is None else keys.rotate_every * SECOND,
        ahead=max(keys.publish_ahead, soonest) * SECOND,
        soonest=soonest * SECOND,
    )
