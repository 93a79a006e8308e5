"""Memory-hard hashes in a few threads, behind a bounded line that is shared fairly."""

from identra.hashing.line import Asking
from identra.hashing.room import Hashing, no_room

__all__ = ["Asking", "Hashing", "no_room"]
