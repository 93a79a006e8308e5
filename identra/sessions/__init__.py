"""Sessions: opened by a login, refreshed by their own token, revoked at once."""

from identra.sessions.ending import Ending
from identra.sessions.judgement import Policy, Session, Verdict, judge
from identra.sessions.room import Opened, Origin, Refreshed, Sessions
from identra.sessions.roster import Entry, Roster
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
    "judge",
    "prove",
    "read",
]
