"""What a person changes of her own account, and since when what she proved counts as proof."""

from __future__ import annotations

from identra.db.migrations.step import Step
from identra.db.schema import Column, Index, Shape, instant, words

CHANGES = (
    # First of all: what follows holds the tables of a login until the step is taken.
    Index("identra_attempts", ("user_id",)),
    Column("identra_users", words("primary_email", 254, null=True)),
    Column("identra_emails", instant("counts_from", null=True)),
    Column("identra_credentials", instant("change_required_at", null=True)),
    Column("identra_sessions", instant("counts_from", null=True)),
    Shape(
        "identra_departures",
        (words("user_id"), instant("asked_at"), instant("leaves_at")),
        indexes=("leaves_at",),
    ),
)

STEP = Step(3, "account", needs=1, changes=CHANGES)
