"""Users, and what is theirs: addresses, identities, credentials."""

from identra.users.nouns import Credential, Identity, OwnAddress, User
from identra.users.room import Users

__all__ = ["Credential", "Identity", "OwnAddress", "User", "Users"]
