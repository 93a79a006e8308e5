"""A question asked once, answered at most once, in a few tries."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, TypeAlias

from identra.db import Duplicate
from identra.deadline import parting
from identra.errors import InvalidCode, InvalidState, StoreUnavailable
from identra.locales import stored
from identra.secret import base64url, derive, digest, digits, keyed_digest, same, token, uuid7
from identra.trail import step
from identra.values import SECOND

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from identra.db import Database
    from identra.locales import Locale
    from identra.state import State
    from identra.values import Clock

Purpose: TypeAlias = Literal["login", "register", "reset", "address"]

CODE_LIFETIME: Final = 600
CODE_TRIES: Final = 5
CODE_REST: Final = 60
SPENT_KEPT: Final = 3600
STATE_PREFIX: Final = "ids_"


class Secret(Protocol):
    """256 bits from which purposes are split, and their id."""

    @property
    def secret_id(self) -> str:
        """The id."""
        ...

    @property
    def value(self) -> bytes:
        """The bytes."""
        ...


class SecretSource(Protocol):
    """Hands out the ring's secrets."""

    def current_secret(self) -> Secret:
        """The one for what is made now."""
        ...

    async def secret(self, secret_id: str) -> Secret | None:
        """The one that something was made with, as long as it is kept."""
        ...


@dataclass(frozen=True, slots=True)
class Answered:
    """A challenge rightly answered and taken. Only this room makes one; login demands it.

    `locale` is the language that a code was asked for in.
    """

    challenge_id: str
    error: type[InvalidCode | InvalidState]
    taken: _Taken | None = None
    locale: Locale | None = None


@dataclass(frozen=True, slots=True)
class _Taken:
    """What was taken from the state, to be put back there: until when (µs) it would have lived."""

    key: str
    value: str
    ends: int


@dataclass(frozen=True, slots=True)
class Opening:
    """What an OAuth sign-in was begun with, and is bound to."""

    provider: str
    redirect_url: str
    code_challenge: str | None = None
    user_id: str | None = None
    session_id: str | None = None


@dataclass(frozen=True, slots=True)
class Proofs:
    """A state, and what goes with it alone: a PKCE verifier (RFC 7636) and a nonce."""

    state: str = field(repr=False)
    verifier: str = field(repr=False)
    nonce: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Opened:
    """A sign-in whose state came back: what it was begun with, proof of the taking, the rest."""

    answered: Answered
    opening: Opening
    proofs: Proofs


class Challenges:
    """Codes and states: kept as digests, tries counted first, taken by exactly one answer."""

    def __init__(
        self, state: State, db: Database, secrets: SecretSource, clock: Clock, *, digits: int
    ) -> None:
        self._state = state
        self._db = db
        self._secrets = secrets
        self._clock = clock
        self._digits = digits

    @asynccontextmanager
    async def asked(
        self, provider: str, purpose: Purpose, recipient: str, locale: Locale | None = None
    ) -> AsyncIterator[str | None]:
        """A new code to send, or None while a live one is younger than a minute.

        Only the newest code counts, and of many who ask at once one gets it. One out of guesses
        is replaced at once, and so is one that could not be sent: a failure inside takes it back.
        Whoever answers it right is told the `locale` it was asked for in.
        """
        key = _code_key(provider, purpose, recipient)
        code = await self._ask(key, locale)
        try:
            yield code
        except BaseException:
            if code:
                await self._state.take(key)
            raise

    async def answer(self, provider: str, purpose: Purpose, recipient: str, code: str) -> Answered:
        """Take the challenge with a right code. Raises InvalidCode for every other cause."""
        key = _code_key(provider, purpose, recipient)
        kept = await self._state.get(key)
        live: dict[str, Any] = json.loads(kept or "{}") or _nothing_asked(key)
        secret = await self._secret(live["under"])
        tries = await self._state.count(_tries_key(live["id"]), ttl=CODE_LIFETIME)
        right = same(_digest(secret, key, code), live["digest"])
        if not right or tries.value > CODE_TRIES or await self._state.take(key) != kept:
            _note(asked=kept is not None, right=right, tries=tries.value)
            raise InvalidCode("wrong, spent, out of guesses or never asked")
        step("code.right", guess=str(tries.value))
        taken = _Taken(key, kept or "", live["at"] + CODE_LIFETIME * SECOND)
        return Answered(live["id"], InvalidCode, taken, stored(live.get("locale")))

    async def give_back(self, answered: Answered) -> None:
        """Let a right code be answered again, since a store failed; quietly, if it can't be.

        What it may have opened all the same is marked as spent, and is opened once. The failure
        may be that the request has no time left, so this has its own.
        """
        taken = answered.taken
        left = (taken.ends - self._clock()) // SECOND if taken else 0
        left = min(left, CODE_LIFETIME)  # another node's clock may be behind
        if taken and left > 0:
            with parting(), suppress(StoreUnavailable):
                await self._state.put(taken.key, taken.value, ttl=left, replace=False)
                step("code.given_back")

    async def open(self, opening: Opening, *, lifetime: int) -> Proofs:
        """Begin an OAuth sign-in: its state (256 bits), and what is derived from it."""
        state, secret = STATE_PREFIX + token(), self._secrets.current_secret()
        facts = {
            "id": uuid7(),
            "under": secret.secret_id,
            "provider": opening.provider,
            "redirect_url": opening.redirect_url,
            "code_challenge": opening.code_challenge,
            "user_id": opening.user_id,
            "session_id": opening.session_id,
        }
        await self._state.put(_state_key(state), json.dumps(facts), ttl=lifetime)
        return _proofs(secret, state)

    async def close(self, state: str) -> Opened:
        """Take the state, once. Raises InvalidState if it is unknown, spent or expired."""
        kept = await self._state.take(_state_key(state))
        if kept is None:
            step("state.none")
            raise InvalidState("unknown, spent or expired")
        facts = json.loads(kept)
        step("state.taken", provider=facts["provider"], user=facts["user_id"] or "")
        answered = Answered(facts.pop("id"), InvalidState)
        secret = await self._secret(facts.pop("under"))
        return Opened(answered, Opening(**facts), _proofs(secret, state))

    async def mark_spent(self, answered: Answered) -> None:
        """Say "once" in SQL, inside the admitting transaction: a forgetful store opens nothing.

        Raises the answered challenge's own error when it was spent before.
        """
        t = self._db.tables.spent
        ends = self._clock() + SPENT_KEPT * SECOND
        mark = t(id=digest("spent", answered.challenge_id), expires_at=ends)
        try:
            await self._db.change(t.insert(mark))
        except Duplicate as again:
            raise answered.error("spent before") from again

    async def _ask(self, key: str, locale: Locale | None) -> str | None:
        former = await self._state.get(key)
        if former and not await self._replace(key, json.loads(former)):
            return None
        code, secret = digits(self._digits), self._secrets.current_secret()
        facts = {"id": uuid7(), "at": self._clock(), "under": secret.secret_id, "locale": locale}
        kept = json.dumps(facts | {"digest": _digest(secret, key, code)})
        is_stored = await self._state.put(key, kept, ttl=CODE_LIFETIME, replace=False)
        return code if is_stored else None

    async def _replace(self, key: str, former: dict[str, Any]) -> bool:
        """Take a former code away, if it may be replaced and nobody else is doing so."""
        tries = await self._state.count(_tries_key(former["id"]), ttl=CODE_LIFETIME, by=0)
        young = self._clock() - former["at"] < CODE_REST * SECOND
        if young and tries.value < CODE_TRIES:
            return False
        turns = await self._state.count(f"after:{former['id']}", ttl=CODE_REST)
        if turns.value > 1:
            return False
        await self._state.take(key)
        return True

    async def _secret(self, under: str) -> Secret:
        """The secret that something was made with; the current one does the work of a decoy."""
        secret = await self._secrets.secret(under) if under else None
        return secret or self._secrets.current_secret()


def _note(*, asked: bool, right: bool, tries: int) -> None:
    """Why a code opened nothing, for whoever may know."""
    guess = str(tries)
    if not asked:
        step("code.none", guess=guess)
    elif tries > CODE_TRIES:
        step("code.exhausted", guess=guess)
    elif right:
        step("code.raced", guess=guess)
    else:
        step("code.wrong", guess=guess)


def _nothing_asked(key: str) -> dict[str, Any]:
    """What a code is held against where none was asked for."""
    return {"id": key, "at": 0, "digest": "", "under": ""}


def _digest(secret: Secret, key: str, code: str) -> str:
    return keyed_digest(derive(secret.value, "code"), key, code)


def _proofs(secret: Secret, state: str) -> Proofs:
    key = derive(secret.value, "pkce")
    return Proofs(state, *(_derived(key, purpose, state) for purpose in ("verifier", "nonce")))


def _derived(key: bytes, purpose: str, state: str) -> str:
    return base64url(bytes.fromhex(keyed_digest(key, purpose, state)))


def _code_key(provider: str, purpose: Purpose, recipient: str) -> str:
    return f"code:{digest(f'code:{provider}:{purpose}', recipient)}"


def _tries_key(challenge_id: str) -> str:
    return f"tries:{challenge_id}"


def _state_key(state: str) -> str:
    return f"oauth:{digest('oauth-state', state)}"
