"""The first schema: users and their ways in, sessions, keys, events, short-lived state."""

from __future__ import annotations

from identra.db.migrations.step import Step
from identra.db.schema import Shape, instant, text, words

CHANGES = (
    Shape(
        "identra_users",
        (
            words("id"),
            instant("created_at"),
            instant("last_login_at", null=True),
            instant("disabled_at", null=True),
            words("disabled_reason", 200, null=True),
        ),
    ),
    Shape(
        "identra_emails",
        (
            words("email", 254),
            words("user_id"),
            instant("proved_at", null=True),
            instant("created_at"),
        ),
        indexes=("user_id",),
        belongs_to="identra_users",
    ),
    Shape(
        "identra_identities",
        (
            words("id"),
            words("user_id"),
            words("provider", 32),
            words("subject", 255),
            words("username", 255),
            instant("linked_at"),
            instant("counts_from"),
        ),
        unique=(("provider", "subject"),),
        indexes=("user_id",),
        belongs_to="identra_users",
    ),
    Shape(
        "identra_credentials",
        (
            words("id"),
            words("user_id"),
            words("provider", 32),
            words("hash", 512),
            instant("set_at"),
        ),
        unique=(("user_id", "provider"),),
        belongs_to="identra_users",
    ),
    Shape(
        "identra_sessions",
        (
            words("id"),
            words("user_id"),
            instant("created_at"),
            instant("auth_time"),
            words("amr", 64),
            words("idp", 32),
            instant("generation"),
            words("seed", 64),
            words("secret_id", 64),
            text("advances"),
            instant("last_used_at"),
            instant("idle_ends_at"),
            instant("ends_at"),
            instant("revoked_at", null=True),
            words("revoked_for", 32, null=True),
            words("peer", 64),
            words("user_agent", 255),
            words("spent_with", 64, null=True),
            words("signed_by", 64),
        ),
        indexes=("user_id",),
        belongs_to="identra_users",
    ),
    Shape(
        "identra_keys",
        (
            words("id", 64),
            words("purpose", 8),
            words("algorithm", 16),
            words("state", 16),
            words("slot", 8, null=True),
            text("public"),
            text("sealed"),
            words("sealed_by", 64),
            instant("created_at"),
            instant("changed_at"),
            instant("signs_from", null=True),
            instant("lives"),
        ),
        unique=(("slot",),),
    ),
    Shape(
        "identra_events",
        (
            words("id"),
            instant("at"),
            words("name", 32),
            words("user_id", null=True),
            text("data"),
        ),
        indexes=("at", "user_id"),
    ),
    Shape(
        "identra_issuers",
        (words("name", 32), words("issuer", 255), instant("recorded_at")),
    ),
    Shape(
        "identra_spent",
        (words("id", 64), instant("expires_at")),
        indexes=("expires_at",),
    ),
    Shape(
        "identra_state",
        (words("id", 128), text("value"), instant("count"), instant("expires_at")),
        indexes=("expires_at",),
    ),
)

STEP = Step(1, "initial", needs=1, changes=CHANGES)
