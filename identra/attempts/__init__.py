"""Attempts to get in: kept for a while, so that whoever is asked why one failed can tell."""

from identra.attempts.keeping import Attempts
from identra.attempts.ration import Ration
from identra.attempts.reading import AttemptLog, Kept
from identra.attempts.telling import ACTS, why, written

__all__ = ["ACTS", "AttemptLog", "Attempts", "Kept", "Ration", "why", "written"]
