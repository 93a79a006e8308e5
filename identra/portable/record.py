"""A user as one line of JSON: read strictly, written in one way."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, Self, TypeAlias

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from identra import address, foreign
from identra.errors import InvalidArgument
from identra.locales import Locale
from identra.values import PROFILE_LENGTH, SUBJECT_LENGTH

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def parse_instant(told: object) -> int:
    """Unix microseconds of an RFC 3339 time with its offset. Raises ValueError."""
    if not isinstance(told, str):
        raise ValueError("is a time in quotes")  # noqa: TRY004 - pydantic reads ValueError
    try:
        moment = datetime.fromisoformat(told)
    except ValueError:
        raise ValueError("is no RFC 3339 time") from None
    if moment.tzinfo is None:
        raise ValueError("a time needs its offset, as in 2026-01-31T12:00:00Z")
    return (moment - _EPOCH) // _MICROSECOND


def format_instant(instant: int) -> str:
    """An instant as RFC 3339 in UTC, to the microsecond."""
    moment = _EPOCH + timedelta(microseconds=instant)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _spelled(told: str) -> str:
    try:
        return address.spell(told)
    except InvalidArgument:
        raise ValueError("is no address") from None


def _native(told: str) -> str:
    hashed = foreign.native(told)
    if not foreign.known(hashed):
        raise ValueError("is no hash that can be verified here")
    return hashed


def _printable(told: str) -> str:
    if not told.isprintable():
        raise ValueError("has characters that can't be shown")
    return told


Instant: TypeAlias = Annotated[int, BeforeValidator(parse_instant), Field(ge=0)]
Name: TypeAlias = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,31}$")]
Plain: TypeAlias = Annotated[str, AfterValidator(_printable)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class OwnAddress(_Part):
    """An address. Whether it is proved must be said: `proved_at` is null for a mere claim."""

    email: Annotated[str, AfterValidator(_spelled)]
    proved_at: Instant | None
    created_at: Instant
    counts_from: Instant | None = None


class Identity(_Part):
    """The user at a provider; `counts_from` tells when it begins to re-authenticate her."""

    provider: Name
    provider_user_id: Annotated[Plain, Field(min_length=1, max_length=SUBJECT_LENGTH)]
    username: Annotated[Plain, Field(max_length=PROFILE_LENGTH)] = ""
    linked_at: Instant
    counts_from: Instant


class Secret(_Part):
    """The hash of a secret of hers."""

    provider: Name
    hash: Annotated[str, Field(repr=False), AfterValidator(_native)]
    set_at: Instant
    change_required_at: Instant | None = None


class Record(_Part):
    """A user with all that is hers."""

    user_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,36}$")]
    created_at: Instant
    last_login_at: Instant | None = None
    disabled_at: Instant | None = None
    disabled_reason: Annotated[Plain, Field(max_length=200)] | None = None
    leaves_at: Instant | None = None
    primary_email: Annotated[str, AfterValidator(_spelled)] | None = None
    locale: Locale | None = None
    addresses: tuple[OwnAddress, ...] = ()
    identities: tuple[Identity, ...] = ()
    secrets: tuple[Secret, ...] = ()

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        for keys in (
            [own.email for own in self.addresses],
            [(one.provider, one.provider_user_id) for one in self.identities],
            [secret.provider for secret in self.secrets],
        ):
            if len(set(keys)) < len(keys):
                raise ValueError("says an address, an identity or a secret twice")
        return self

    @model_validator(mode="after")
    def _leaves_disabled(self) -> Self:
        if self.leaves_at is not None and self.disabled_at is None:
            raise ValueError("whoever has a leaves_at has a disabled_at")
        return self

    @model_validator(mode="after")
    def _primary_proved(self) -> Self:
        proved = {own.email for own in self.addresses if own.proved_at is not None}
        if self.primary_email is not None and self.primary_email not in proved:
            raise ValueError("primary_email is no address that is proved")
        return self

    def ordered(self) -> Record:
        """The same user with her parts in the one order in which they are written."""
        return self.model_copy(
            update={
                "addresses": tuple(sorted(self.addresses, key=lambda a: (a.created_at, a.email))),
                "identities": tuple(
                    sorted(self.identities, key=lambda i: (i.provider, i.provider_user_id))
                ),
                "secrets": tuple(sorted(self.secrets, key=lambda s: s.provider)),
            }
        )


def read_line(line: str) -> Record:
    """The user that a line tells of. Raises ValueError for anything else, naming no value."""
    return Record.model_validate(json.loads(line, object_pairs_hook=_once)).ordered()


def write_line(record: Record) -> str:
    """The line of a user; the same user is always the same line."""
    return json.dumps(_shown(record.ordered()), ensure_ascii=False, separators=(",", ":"))


def _shown(part: BaseModel) -> dict[str, Any]:
    told = {name: _told(getattr(part, name)) for name in type(part).model_fields}
    return {name: value for name, value in told.items() if value is not None or name == "proved_at"}


def _told(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_shown(each) for each in value]
    return format_instant(value) if isinstance(value, int) else value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a name is given twice")
    return dict(pairs)
