"""Users, and what is theirs: addresses, identities, credentials."""

from identra.users.departures import Departures
from identra.users.nouns import Credential, Holdings, Identity, InSession, OwnAddress, User
from identra.users.room import Users

__all__ = [
    "Credential",
    "Departures",
    "Holdings",
    "Identity",
    "InSession",
    "OwnAddress",
    "User",
    "Users",
]
