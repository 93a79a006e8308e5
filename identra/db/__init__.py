"""The cellar: one SQL database, spoken to in one way whatever it is."""

from identra.db.engine import Database, open_database
from identra.db.overtaken import Overtaken
from identra.db.statement import Bound, Duplicate, Param, Statement
from identra.db.tables import Tables

__all__ = [
    "Bound",
    "Database",
    "Duplicate",
    "Overtaken",
    "Param",
    "Statement",
    "Tables",
    "open_database",
]
