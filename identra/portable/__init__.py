"""Users that travel: out of one Identra and into another, or in from elsewhere.

One format, JSON Lines, told in docs/reference/users-file.md.
"""

from identra.portable.arriving import Arrivals, Outcome
from identra.portable.file import Entry, FileFault, Register, read, write
from identra.portable.leaving import leaving
from identra.portable.original import OriginalUsers
from identra.portable.record import Record

__all__ = [
    "Arrivals",
    "Entry",
    "FileFault",
    "OriginalUsers",
    "Outcome",
    "Record",
    "Register",
    "leaving",
    "read",
    "write",
]
