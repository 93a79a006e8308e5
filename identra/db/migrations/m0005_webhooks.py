"""What happened, on its way to those who are told of it by webhooks."""

from __future__ import annotations

from identra.db.migrations.step import Step
from identra.db.schema import Index, Shape, instant, text, words

CHANGES = (
    Shape(
        "identra_dispatches",
        (
            words("id"),
            words("event_id"),
            words("target", 32),
            words("lane"),
            instant("turn"),
            words("state", 16),
            instant("tries"),
            instant("due_at"),
            words("claim", null=True),
            instant("settled_at", null=True),
            words("outcome", 255, null=True),
            text("body"),
        ),
        indexes=("event_id", "settled_at"),
    ),
    Index("identra_dispatches", ("lane", "target", "state", "turn")),
    Index("identra_dispatches", ("target", "state", "due_at")),
    Shape(
        "identra_gone",
        (words("target", 32), words("place", 64), instant("gone_at")),
    ),
)

STEP = Step(5, "webhooks", needs=1, changes=CHANGES)
