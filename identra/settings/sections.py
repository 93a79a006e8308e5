"""The sections of the settings, each frozen and each knowing all of its keys."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from identra.locales import Locale
from identra.settings.durations import Duration, DurationOrNever
from identra.settings.words import (
    ClientId,
    Digest,
    EmailSender,
    Given,
    GivenSecret,
    Network,
    Number,
    Origin,
    PlainText,
    PluginName,
    PublicUrl,
    RedisServer,
    Share,
    is_loopback,
)
from identra.values import Settings

HOUR, DAY, MONTH = 3_600, 86_400, 30 * 86_400

Port: TypeAlias = Annotated[Number, Field(ge=0, le=65_535)]
"""A port to listen on; 0 asks the system for a free one."""

RemotePort: TypeAlias = Annotated[Number, Field(ge=1, le=65_535)]
Positive: TypeAlias = Annotated[Duration, Field(gt=0)]


class Auth(Settings):
    """`[auth]`: tokens, sessions, and who may sign up. Durations are seconds."""

    token_issuer: Annotated[str, Field(min_length=1, max_length=255)] = "identra"  # noqa: S105 - a name, no secret
    token_audience: Annotated[str, Field(min_length=1, max_length=255)] | None = None
    access_token_expiration: Positive = 15 * 60
    refresh_token_expiration: Positive = 7 * DAY
    session_max_age: Positive = 30 * DAY
    refresh_grace: Annotated[Duration, Field(ge=0, le=5 * 60)] = 30
    oauth_state_expiration: Annotated[Duration, Field(gt=0, le=HOUR)] = 10 * 60
    sign_up: Literal["open", "closed"] = "open"
    require_client_binding: bool = False
    bind_requires_reauthentication: bool = False
    deletion_grace: Annotated[Duration, Field(ge=0)] = 14 * DAY

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.refresh_token_expiration > self.session_max_age:
            raise ValueError("refresh_token_expiration is longer than session_max_age")
        if self.access_token_expiration > self.session_max_age:
            raise ValueError("access_token_expiration is longer than session_max_age")
        if self.refresh_grace >= self.refresh_token_expiration:
            raise ValueError("refresh_grace is as long as refresh_token_expiration")
        return self


def _distinct(files: tuple[Path, ...]) -> tuple[Path, ...]:
    if Path() in files:
        raise ValueError("a file name is empty")
    if len(set(files)) < len(files):
        raise ValueError("a file is named twice")
    return files


def _at_least_a_month(seconds: int | None) -> int | None:
    if seconds is not None and seconds < MONTH:
        raise ValueError("what happened to an account is kept for at least 30d")
    return seconds


class Keys(Settings):
    """`[keys]`: the ring that signs. Seconds; `rotate_every` is None for "never"."""

    algorithm: Literal["RS256", "ES256", "EdDSA"] = "RS256"
    rotate_every: DurationOrNever = 90 * DAY
    rotate_in_server: bool = True
    publish_ahead: Positive = DAY
    jwks_max_age: Annotated[Duration, Field(gt=0, le=DAY)] = 5 * 60
    master_key_files: Annotated[
        tuple[Path, ...], Field(min_length=1), AfterValidator(_distinct)
    ] = (Path("data/master.key"),)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.publish_ahead < 2 * self.jwks_max_age:
            raise ValueError("publish_ahead is shorter than twice jwks_max_age")
        if self.rotate_every is not None and self.rotate_every < self.publish_ahead:
            raise ValueError("rotate_every is shorter than publish_ahead")
        return self


class Redis(Settings):
    """`[redis]`: where short-lived state lives; several servers are a cluster, or sentinels."""

    urls: Annotated[tuple[RedisServer, ...], Field(min_length=1)]
    sentinel_master: PlainText | None = None
    username: Given = None
    password: GivenSecret = None
    key_prefix: Annotated[str, Field(max_length=64)] = "identra:"
    tls: bool = False


class Persistence(Settings):
    """`[persistence]`: the database. For sqlite `name` is a file, else a database's name."""

    driver: Literal["sqlite", "postgres", "mysql", "cockroach"] = "sqlite"
    name: PlainText = "data/identra.db"
    host: PlainText = "localhost"
    port: RemotePort | None = None
    user: Given = None
    password: GivenSecret = None
    sslmode: Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] = "prefer"
    sslrootcert: Path | None = None

    @model_validator(mode="after")
    def _named(self) -> Self:
        if self.driver != "sqlite" and "name" not in self.model_fields_set:
            raise ValueError(f"driver {self.driver} needs the name of a database")
        if self.sslrootcert is not None and not self.sslmode.startswith("verify-"):
            raise ValueError("sslrootcert goes with sslmode verify-ca or verify-full")
        return self


class SmtpMailer(Settings):
    """`[smtp_mailer]`: how mail leaves. The key `from` is read as `sender` in code."""

    host: PlainText
    port: RemotePort = 587
    username: Given = None
    password: GivenSecret = None
    sender: EmailSender = Field(alias="from")
    tls: Literal["starttls", "implicit", "none"] = "starttls"

    @model_validator(mode="after")
    def _login_is_whole(self) -> Self:
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password go together")
        if self.password is not None and self.tls == "none" and not is_loopback(self.host):
            raise ValueError('a login with tls = "none" needs a loopback host; else use TLS')
        return self


class Password(Settings):
    """`[password]`: registration and hashing; nothing weaker than the defaults is accepted."""

    registration: Literal["verified", "immediate"] = "verified"
    min_length: Annotated[Number, Field(ge=8, le=64)] = 8
    argon2_memory_kib: Annotated[Number, Field(ge=19_456, le=4_194_304)] = 19_456
    argon2_time: Annotated[Number, Field(ge=2, le=100)] = 2
    argon2_parallelism: Annotated[Number, Field(ge=1, le=64)] = 1


class Codes(Settings):
    """`[codes]`: mailed codes."""

    digits: Annotated[Number, Field(ge=6, le=10)] = 6


class Http(Settings):
    """`[http]`: the REST door. `trusted_proxies` are networks whose X-Forwarded-For counts."""

    trusted_proxies: tuple[Network, ...] = ()


class Limits(Settings):
    """`[limits]`: allowances. `trusted_callers` are networks of backends of our users."""

    trusted_callers: tuple[Network, ...] = ()


class IntrospectionClient(Settings):
    """`[[introspection.clients]]`: a service that may ask what an access token is worth."""

    id: ClientId
    secret_sha256: Digest


def _tables(value: Any) -> Any:
    if isinstance(value, dict):
        raise ValueError("is a list of tables, each written [[introspection.clients]]")  # noqa: TRY004 - pydantic reads ValueError
    return value


def _of_their_own(
    clients: tuple[IntrospectionClient, ...],
) -> tuple[IntrospectionClient, ...]:
    for name in ("id", "secret_sha256"):
        if len({getattr(client, name) for client in clients}) < len(clients):
            raise ValueError(f"two clients have one {name}")
    return clients


class Introspection(Settings):
    """`[introspection]`: without clients there is no such route."""

    clients: Annotated[
        tuple[IntrospectionClient, ...], BeforeValidator(_tables), AfterValidator(_of_their_own)
    ] = ()


class Grpc(Settings):
    """`[grpc]`: the gRPC door; the three files are PEM."""

    reflection: bool = False
    tls_cert: Path | None = None
    tls_key: Path | None = None
    client_ca: Path | None = None

    @model_validator(mode="after")
    def _certificate_is_whole(self) -> Self:
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("tls_cert and tls_key go together")
        if self.client_ca is not None and self.tls_cert is None:
            raise ValueError("client_ca needs tls_cert and tls_key")
        return self


class Plugins(Settings):
    """`[plugins]`: third-party plugins by name, and those without which nothing starts.

    `reports` is where `identra plugins check` keeps what it found.
    """

    enabled: tuple[PluginName, ...] = ()
    directory: str = ""
    required: tuple[PluginName, ...] = ()
    reports: PlainText = "data/plugins.json"


class Cors(Settings):
    """`[cors]`: the browsers' origins that may call."""

    allowed_origins: Annotated[tuple[Origin, ...], Field(min_length=1)]
    allow_credentials: bool = False

    @model_validator(mode="after")
    def _no_credentials_for_all(self) -> Self:
        if self.allow_credentials and "*" in self.allowed_origins:
            raise ValueError('allow_credentials can not go with allowed_origins "*"')
        return self


class Metrics(Settings):
    """`[metrics]`: where metrics are read."""

    host: PlainText = "127.0.0.1"
    port: Port = 9464


class Tracing(Settings):
    """`[tracing]`: what OpenTelemetry is told. None is left to its own environment variables."""

    endpoint: PublicUrl | None = None
    sample: Share | None = None
    callers: tuple[Network, ...] = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


class Housekeeping(Settings):
    """`[housekeeping]`: removing what is over. `events_kept` None, "never": none is forgotten.

    `attempts_most` are the attempts to get in that are kept, of those not older than 30 days.
    """

    in_server: bool = True
    attempts_most: Annotated[int, Field(ge=1_000, le=100_000_000)] = 1_000_000
    events_kept: Annotated[DurationOrNever, AfterValidator(_at_least_a_month)] = 365 * DAY


class Mail(Settings):
    """`[mail]`: what letters say of the application, on whose templates, and in which language."""

    application_name: Annotated[PlainText, Field(max_length=64)] = "Identra"
    default_locale: Locale = "en"
    templates: Path | None = None
    tell_new_network: bool = False
