"""The key ring: kept in the database, private parts sealed, read by every process."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import structlog
from jwcrypto.common import JWException
from jwcrypto.jwk import JWK

from identra.db import Duplicate
from identra.errors import IdentraError, OperatorError
from identra.master import MasterKeyError
from identra.secret import base64url, digest, from_base64url, token_bytes, uuid7
from identra.values import SECOND

if TYPE_CHECKING:
    from identra.db import Database
    from identra.events import Events
    from identra.master import MasterKeys
    from identra.values import Clock

log = structlog.get_logger(__name__)

Algorithm: TypeAlias = Literal["RS256", "ES256", "EdDSA"]
KeyState: TypeAlias = Literal["passive", "active", "former", "retired", "revoked"]

PUBLISHED: Final = frozenset({"passive", "active", "former"})
RELOAD_EVERY: Final = 5 * SECOND
RELOAD_FOR_UNKNOWN: Final = 1 * SECOND
SECRET_ID_BYTES: Final = 8


class NoKeysError(OperatorError):
    """The database holds no key ring yet."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key pair that signs or verifies. `jwk` holds the private part."""

    kid: str
    algorithm: Algorithm
    jwk: JWK = field(repr=False)


@dataclass(frozen=True, slots=True)
class RingSecret:
    """The 256 bits from which every keyed digest is split; its id travels in refresh tokens."""

    secret_id: str
    value: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Jwks:
    """The published key set (RFC 7517, 5) as bytes, and its strong entity tag."""

    body: bytes
    etag: str


@dataclass(frozen=True, slots=True)
class KeyRow:
    """One key of the ring as an operator may see it."""

    kid: str
    purpose: str
    algorithm: str
    state: str
    sealed_by: str
    created_at: int
    changed_at: int


@dataclass(frozen=True, slots=True)
class Ring:
    """What one process holds of the ring: opened, and as of one instant."""

    signer: SigningKey
    verifiers: dict[str, SigningKey]
    secret: RingSecret
    secrets: dict[str, RingSecret]
    jwks: Jwks
    read_at: int
    rows: dict[str, dict[str, Any]] = field(repr=False)


class Keys:
    """Hands out the signing key, verifiers by kid, and the ring's secrets."""

    def __init__(self, db: Database, master: MasterKeys, events: Events, clock: Clock) -> None:
        self._db = db
        self._master = master
        self._events = events
        self._clock = clock
        self._ring: Ring | None = None
        self._looking = asyncio.Lock()

    async def load(self) -> None:
        """Read and open the ring. Raises NoKeysError, MasterKeyError, StoreUnavailable."""
        t = self._db.tables.keys
        rows = await self._db.fetch(t.select().where(t.state != "retired"))
        self._ring = _assemble(rows, self._master, self._clock(), self._ring)

    async def refresh(self) -> None:
        """Read the ring again if what is held is older than its interval."""
        if self._clock() - self.ring.read_at >= RELOAD_EVERY:
            await self.load()

    async def reload_or_warn(self) -> None:
        """Read the ring again; what can't be read leaves the former one in use, and a warning."""
        try:
            await self.load()
        except (OperatorError, IdentraError) as fault:
            log.warning("key ring not reloaded", cause=str(fault))
        except Exception as fault:  # noqa: BLE001 - one odd row must not end the reading for good
            log.warning("key ring not reloaded", cause=type(fault).__name__)

    @property
    def ring(self) -> Ring:
        """The ring as last read. Raises NoKeysError before the first load."""
        if self._ring is None:
            raise NoKeysError("the key ring was not read yet")
        return self._ring

    def signer(self) -> SigningKey:
        """The one active signing key."""
        return self.ring.signer

    def current_secret(self) -> bytes:
        """The active secret's bytes."""
        return self.ring.secret.value

    async def verifier(self, kid: str) -> SigningKey | None:
        """The published key of that id; an unknown one is looked for once a second."""
        if kid not in self.ring.verifiers:
            async with self._looking:
                if self._may_look_again():
                    await self.load()
        return self.ring.verifiers.get(kid)

    def published(self) -> Jwks:
        """The key set that verifiers read."""
        return self.ring.jwks

    async def init(self, algorithm: Algorithm) -> bool:
        """Make the first keys if there are none; whether any were made. Concurrency-safe."""
        t = self._db.tables.keys
        if await self._db.first(t.select(t.id).limit(1)):
            return False
        # Finding primes takes a while, in which others are to be answered.
        rows = (await asyncio.to_thread(_new_pair, algorithm), _new_secret())
        try:
            await self._db.transact(partial(self._insert_all, rows, self._clock()))
        except Duplicate:
            return False
        return True

    async def _insert_all(self, rows: tuple[_NewKey, ...], now: int) -> None:
        for row in rows:
            await self._insert_active(row, now)

    async def _insert_active(self, row: _NewKey, now: int) -> None:
        t = self._db.tables.keys
        await self._db.change(
            t.insert(
                t(
                    id=row.kid,
                    purpose=row.purpose,
                    algorithm=row.algorithm,
                    state="active",
                    slot=row.purpose,
                    public=row.public,
                    sealed=self._master.first.seal(row.private),
                    sealed_by=self._master.first.key_id,
                    created_at=now,
                    changed_at=now,
                )
            )
        )
        await self._events.record("key.activated", kid=row.kid, algorithm=row.algorithm)

    def _may_look_again(self) -> bool:
        return self._clock() - self.ring.read_at >= RELOAD_FOR_UNKNOWN


async def list_keys(db: Database) -> tuple[KeyRow, ...]:
    """Every key of the ring, newest first, without its private part."""
    t = db.tables.keys
    columns = (t.id, t.purpose, t.algorithm, t.state, t.sealed_by, t.created_at, t.changed_at)
    rows = await db.fetch(t.select(*columns).order_by(t.created_at, ascending=False))
    return tuple(KeyRow(row.pop("id"), **row) for row in rows)


@dataclass(frozen=True, slots=True)
class _NewKey:
    kid: str
    purpose: Literal["sig", "mac"]
    algorithm: str
    public: str
    private: str = field(repr=False)


def _new_pair(algorithm: Algorithm) -> _NewKey:
    kid = uuid7()
    shape: dict[str, dict[str, Any]] = {
        "RS256": {"kty": "RSA", "size": 2048},
        "ES256": {"kty": "EC", "crv": "P-256"},
        "EdDSA": {"kty": "OKP", "crv": "Ed25519"},
    }
    jwk = JWK.generate(**shape[algorithm], kid=kid, alg=algorithm, use="sig")
    return _NewKey(kid, "sig", algorithm, jwk.export_public(), jwk.export_private())


def _new_secret() -> _NewKey:
    secret_id = token_bytes(SECRET_ID_BYTES).hex()
    return _NewKey(secret_id, "mac", "HS256", "", base64url(token_bytes()))


def _assemble(
    rows: list[dict[str, Any]], master: MasterKeys, now: int, former: Ring | None
) -> Ring:
    """The ring that these rows make; keys whose rows are as before are not opened again."""
    live = {row["id"]: row for row in rows if row["state"] in PUBLISHED}
    same = {kid for kid, row in live.items() if former and former.rows.get(kid) == row}
    pairs = {
        kid: former.verifiers[kid] if former and kid in same else _open_pair(row, master)
        for kid, row in live.items()
        if row["purpose"] == "sig"
    }
    secrets = {
        kid: former.secrets[kid] if former and kid in same else _open_secret(row, master)
        for kid, row in live.items()
        if row["purpose"] == "mac"
    }
    active = {row["purpose"]: kid for kid, row in live.items() if row["state"] == "active"}
    if not {"sig", "mac"} <= set(active):
        raise NoKeysError("the database holds no active key; run `identra keys init`")
    return Ring(
        signer=pairs[active["sig"]],
        verifiers=pairs,
        secret=secrets[active["mac"]],
        secrets=secrets,
        jwks=_publish([live[kid]["public"] for kid in sorted(pairs)]),
        read_at=now,
        rows=live,
    )


def _open_pair(row: dict[str, Any], master: MasterKeys) -> SigningKey:
    opened = master.open(row["sealed"], row["sealed_by"])
    try:
        jwk = JWK.from_json(opened)
        whole = jwk.export_public(as_dict=True) == json.loads(row["public"])
    except (JWException, ValueError):
        raise _no_key(row) from None  # the fault would hold what was opened
    if not whole:
        raise MasterKeyError(f"key {row['id']}: its public and its sealed part differ")
    return SigningKey(row["id"], row["algorithm"], jwk)


def _open_secret(row: dict[str, Any], master: MasterKeys) -> RingSecret:
    opened = master.open(row["sealed"], row["sealed_by"])
    try:
        return RingSecret(row["id"], from_base64url(opened))
    except ValueError:
        raise _no_key(row) from None


def _no_key(row: dict[str, Any]) -> MasterKeyError:
    return MasterKeyError(f"key {row['id']}: what is sealed there is no key of its kind")


def _publish(publics: list[str]) -> Jwks:
    body = json.dumps({"keys": [json.loads(public) for public in publics]}, sort_keys=True)
    return Jwks(body.encode(), f'"{digest("jwks", body)[:32]}"')
