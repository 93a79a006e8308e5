"""The keys of service accounts that do what operators do."""

from __future__ import annotations

from identra.db.migrations.step import Step
from identra.db.schema import Shape, instant, words

CHANGES = (
    Shape(
        "identra_admin_keys",
        (
            words("id", 16),
            words("name", 64),
            words("digest", 64),
            words("scopes", 255),
            instant("created_at"),
            instant("expires_at"),
            instant("revoked_at", null=True),
            instant("last_used_at", null=True),
        ),
        unique=(("name",),),
    ),
)

STEP = Step(6, "admin keys", needs=1, changes=CHANGES)
