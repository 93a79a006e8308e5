"""Users, and what is theirs: addresses, identities, credentials."""

from identra.users.departures import Departures
from identra.users.finding import Finding
from identra.users.nouns import Credential, Holdings, Identity, InSession, OwnAddress, Page, User
from identra.users.room import Users

__all__ = [
    "Credential",
    "Departures",
    "Finding",
    "Holdings",
    "Identity",
    "InSession",
    "OwnAddress",
    "Page",
    "User",
    "Users",
]
