"""What became of each attempt to get in, for those who are asked why it failed."""

from __future__ import annotations

from identra.db.migrations.step import Step
from identra.db.schema import Shape, instant, text, words

CHANGES = (
    Shape(
        "identra_attempts",
        (
            words("id"),
            instant("at"),
            words("act", 32),
            words("provider", 32),
            words("outcome", 32),
            words("user_id", null=True),
            words("subject", 64),
            words("request_id", 64),
            words("peer", 64),
            text("trail"),
        ),
        indexes=("at", "subject", "request_id"),
    ),
)

STEP = Step(2, "attempts", needs=1, changes=CHANGES)
