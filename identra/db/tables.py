"""The tables, as Piccolo sees them. Instants are Unix microseconds; keys compare as bytes.

The schema itself is made by the migrations; a test holds the two together.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from piccolo.columns import BigInt, Integer, Text, Varchar
from piccolo.table import Table

from identra.db.binding import Binding, bind


def _words(length: int, **more: Any) -> Varchar:
    return Varchar(length=length, default=None, **more)


def _key(length: int = 36) -> Varchar:
    return _words(length, primary_key=True)


def _instant(**more: Any) -> BigInt:
    return BigInt(default=None, **more)


def _text() -> Text:
    return Text(default=None)


class User(Table, tablename="identra_users"):
    """Somebody with an account."""

    id = _key()
    created_at = _instant()
    last_login_at = _instant(null=True)
    disabled_at = _instant(null=True)
    disabled_reason = _words(200, null=True)
    primary_email = _words(254, null=True)
    locale = _words(16, null=True)


class Email(Table, tablename="identra_emails"):
    """An address and the one user who claims it, or (`proved_at`) has proved it."""

    email = _key(254)
    user_id = _words(36, index=True)
    proved_at = _instant(null=True)
    created_at = _instant()
    counts_from = _instant(null=True)


class Identity(Table, tablename="identra_identities"):
    """A person at a provider: unique by (provider, subject)."""

    id = _key()
    user_id = _words(36, index=True)
    provider = _words(32)
    subject = _words(255)
    username = _words(255)
    linked_at = _instant()
    counts_from = _instant()


class Credential(Table, tablename="identra_credentials"):
    """The digest of a secret that a user chose: unique by (user_id, provider)."""

    id = _key()
    user_id = _words(36)
    provider = _words(32)
    hash = _words(512)
    set_at = _instant()
    change_required_at = _instant(null=True)


class Session(Table, tablename="identra_sessions"):
    """A signed-in device; one row for its whole life."""

    id = _key()
    user_id = _words(36, index=True)
    created_at = _instant()
    auth_time = _instant()
    amr = _words(64)
    idp = _words(32)
    generation = BigInt(default=None)
    seed = _words(64)
    secret_id = _words(64)
    advances = _text()
    last_used_at = _instant()
    idle_ends_at = _instant()
    ends_at = _instant()
    revoked_at = _instant(null=True)
    revoked_for = _words(32, null=True)
    peer = _words(64)
    user_agent = _words(255)
    spent_with = _words(64, null=True)
    signed_by = _words(64)
    counts_from = _instant(null=True)


class Departure(Table, tablename="identra_departures"):
    """Somebody who asked to be deleted: disabled at `asked_at`, gone from `leaves_at` on.

    It outlives her own row until all else that speaks of her is gone too.
    """

    user_id = _key()
    asked_at = _instant()
    leaves_at = _instant(index=True)


class Key(Table, tablename="identra_keys"):
    """A key of the ring. `slot` holds the purpose while it is the active one: so only one is.

    `lives` is the longest life, in seconds, of anything under it.
    """

    id = _key(64)
    purpose = _words(8)
    algorithm = _words(16)
    state = _words(16)
    slot = _words(8, null=True, unique=True)
    public = _text()
    sealed = _text()
    sealed_by = _words(64)
    created_at = _instant()
    changed_at = _instant()
    signs_from = _instant(null=True)
    lives = _instant()


class Event(Table, tablename="identra_events"):
    """A fact worth keeping."""

    id = _key()
    at = _instant(index=True)
    name = _words(32)
    user_id = _words(36, null=True, index=True)
    data = _text()


class Attempt(Table, tablename="identra_attempts"):
    """How an attempt to get in went. `subject` is a digest of what it was about."""

    id = _key()
    at = _instant(index=True)
    act = _words(32)
    provider = _words(32)
    outcome = _words(32)
    user_id = _words(36, null=True, index=True)
    subject = _words(64, index=True)
    request_id = _words(64, index=True)
    peer = _words(64)
    trail = _text()


class Dispatch(Table, tablename="identra_dispatches"):
    """An event on its way to one target. Those of one `lane` go by `turn`, one after the other."""

    id = _key()
    event_id = _words(36, index=True)
    target = _words(32)
    lane = _words(36)
    turn = _instant()
    state = _words(16)
    tries = BigInt(default=None)
    due_at = _instant()
    claim = _words(36, null=True)
    settled_at = _instant(null=True, index=True)
    outcome = _words(255, null=True)
    body = _text()


class Gone(Table, tablename="identra_gone"):
    """A target that said it wants no more; `place` is a digest of its URL."""

    target = _key(32)
    place = _words(64)
    gone_at = _instant()


class AdminKey(Table, tablename="identra_admin_keys"):
    """A service account's key: a digest of it, and what it may be used for."""

    id = _key(16)
    name = _words(64, unique=True)
    digest = _words(64)
    scopes = _words(255)
    created_at = _instant()
    expires_at = _instant()
    revoked_at = _instant(null=True)
    last_used_at = _instant(null=True)


class Issuer(Table, tablename="identra_issuers"):
    """What a provider's name stands for: the issuer or origin that it was first started with."""

    name = _key(32)
    issuer = _words(255)
    recorded_at = _instant()


class Spent(Table, tablename="identra_spent"):
    """The id of something that opened an account once and never will again."""

    id = _key(64)
    expires_at = _instant(index=True)


class State(Table, tablename="identra_state"):
    """Short-lived state: a value or a counter, until it expires."""

    id = _key(128)
    value = _text()
    tally = BigInt(default=None, db_column_name="count")
    expires_at = _instant(index=True)


class Migration(Table, tablename="identra_migrations"):
    """A step of the schema that has been taken."""

    number = Integer(default=None, primary_key=True)
    name = _words(100)
    needs = Integer(default=None)
    applied_at = _instant()


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables of one open database; their queries are written in its dialect."""

    users: type[User]
    emails: type[Email]
    identities: type[Identity]
    credentials: type[Credential]
    sessions: type[Session]
    departures: type[Departure]
    keys: type[Key]
    events: type[Event]
    attempts: type[Attempt]
    dispatches: type[Dispatch]
    gone: type[Gone]
    admin_keys: type[AdminKey]
    issuers: type[Issuer]
    spent: type[Spent]
    state: type[State]
    migrations: type[Migration]

    @classmethod
    def bound(cls, binding: Binding) -> Tables:
        """Bind every table to one dialect."""
        return cls(
            users=bind(User, binding),
            emails=bind(Email, binding),
            identities=bind(Identity, binding),
            credentials=bind(Credential, binding),
            sessions=bind(Session, binding),
            departures=bind(Departure, binding),
            keys=bind(Key, binding),
            events=bind(Event, binding),
            attempts=bind(Attempt, binding),
            dispatches=bind(Dispatch, binding),
            gone=bind(Gone, binding),
            admin_keys=bind(AdminKey, binding),
            issuers=bind(Issuer, binding),
            spent=bind(Spent, binding),
            state=bind(State, binding),
            migrations=bind(Migration, binding),
        )

    def every(self) -> tuple[type[Table], ...]:
        """All of them, referenced before referencing."""
        return tuple(getattr(self, field.name) for field in fields(self))
