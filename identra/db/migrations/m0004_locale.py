"""In which language a user is written to; NULL as long as she has asked for none."""

from __future__ import annotations

from identra.db.migrations.step import Step
from identra.db.schema import Column, words

CHANGES = (Column("identra_users", words("locale", 16, null=True)),)

STEP = Step(4, "locale", needs=1, changes=CHANGES)
