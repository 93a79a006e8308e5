"""Sessions: opened by a login, refreshed by their own token, revoked at once."""

from identra.sessions.ending import Ending
from identra.sessions.judgement import Policy, Session, Verdict, judge
from identra.sessions.room import Refreshed, Sessions
from identra.sessions.roster import Entry, Roster
from identra.sessions.rows import Opened, Origin, holder_of
from identra.sessions.token import RefreshToken, prove, read

__all__ = [
    "Ending",
    "Entry",
    "Opened",
    "Origin",
    "Policy",
    "RefreshToken",
    "Refreshed",
    "Roster",
    "Session",
    "Sessions",
    "Verdict",
    "holder_of",
    "judge",
    "prove",
    "read",
]
