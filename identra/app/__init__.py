"""The composition root: the only rooms that know every class."""

from identra.app.building import Swapped, build
from identra.app.house import App, Readiness
from identra.app.keyring import Workshop, opened_workshop
from identra.app.office import (
    moved_issuers,
    opened_admin_keys,
    opened_arrivals,
    opened_attempts,
    opened_copying,
    opened_database,
    opened_dispatches,
    opened_events,
    opened_housekeeping,
    opened_issuers,
    opened_office,
    opened_relief,
    opened_theirs,
)
from identra.app.preparing import make_first_keys, prepare, settle_schema

__all__ = [
    "App",
    "Readiness",
    "Swapped",
    "Workshop",
    "build",
    "make_first_keys",
    "moved_issuers",
    "opened_admin_keys",
    "opened_arrivals",
    "opened_attempts",
    "opened_copying",
    "opened_database",
    "opened_dispatches",
    "opened_events",
    "opened_housekeeping",
    "opened_issuers",
    "opened_office",
    "opened_relief",
    "opened_theirs",
    "opened_workshop",
    "prepare",
    "settle_schema",
]
