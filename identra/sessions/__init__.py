"""Sessions: opened by a login, refreshed by their own token, revoked at once."""

from identra.sessions.ending import Ending
from identra.sessions.judgement import Policy, Session, Verdict, judge
from identra.sessions.room import Opened, Origin, Refreshed, Sessions
from identra.sessions.token import RefreshToken, prove, read

__all__ = [
    "Ending",
    "Opened",
    "Origin",
    "Policy",
    "RefreshToken",
    "Refreshed",
    "Session",
    "Sessions",
    "Verdict",
    "judge",
    "prove",
    "read",
]
