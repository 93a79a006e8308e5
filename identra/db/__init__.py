"""The cellar: one SQL database, spoken to in one way whatever it is."""

from identra.db.drivers import open_database
from identra.db.engine import Database
from identra.db.overtaken import Overtaken
from identra.db.statement import Bound, Duplicate, Param, Statement
from identra.db.tables import Tables
from identra.db.theirs import open_theirs
from identra.db.unopened import why

__all__ = [
    "Bound",
    "Database",
    "Duplicate",
    "Overtaken",
    "Param",
    "Statement",
    "Tables",
    "open_database",
    "open_theirs",
    "why",
]
