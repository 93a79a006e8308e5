"""One migration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from identra.db.schema import CONTRACTS

if TYPE_CHECKING:
    from identra.db.schema import Change


@dataclass(frozen=True, slots=True)
class Step:
    """A numbered change of the schema, taken once and never changed after its release.

    `needs` is the number of the step that a release must know to go on working once this one is
    taken. A step that only adds needs what the one before it needs; one that removes needs the
    first step of a release that no longer used what is removed. A step without changes marks
    such a release.
    """

    number: int
    name: str
    needs: int
    changes: tuple[Change, ...]

    @property
    def contracts(self) -> bool:
        """Whether it removes what older releases use."""
        return any(isinstance(change, CONTRACTS) for change in self.changes)

    def __str__(self) -> str:
        return f"{self.number:04} {self.name}"
