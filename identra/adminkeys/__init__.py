"""The keys that programs show to do what operators do: named, scoped, ending, hashed at rest."""

from identra.adminkeys.nouns import (
    LONGEST_LIFE,
    NAME,
    PREFIX,
    SCOPES,
    AdminKey,
    Scope,
    read,
)
from identra.adminkeys.room import COARSE, AdminKeys

__all__ = [
    "COARSE",
    "LONGEST_LIFE",
    "NAME",
    "PREFIX",
    "SCOPES",
    "AdminKey",
    "AdminKeys",
    "Scope",
    "read",
]
