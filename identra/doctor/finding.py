"""What the doctor finds: a kind with a code that is stable, and the cause in this very case."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Level: TypeAlias = Literal["ok", "note", "warning", "error"]
"""An error keeps the service from its work or from its promises; a note is only worth knowing."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What can be found: its code, how bad it is, and what is to be done about it."""

    code: str
    level: Level
    remedy: str = ""

    def of(self, cause: str) -> Finding:
        """It was found, for this cause; never a secret."""
        return Finding(self, " ".join(cause.split()))


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that was found."""

    kind: Kind
    cause: str

    @property
    def code(self) -> str:
        """The stable word for it."""
        return self.kind.code

    @property
    def level(self) -> Level:
        """How bad it is."""
        return self.kind.level

    @property
    def remedy(self) -> str:
        """What is to be done about it; empty where all is well."""
        return self.kind.remedy
