"""Rotation as the policy wants it: for servers, timers and commands alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from identra.keys.listing import list_keys
from identra.keys.plan import Publish, Retire, plan_rotation
from identra.keys.turning import Lost

if TYPE_CHECKING:
    from identra.db import Database
    from identra.keys.plan import Due, RotationPolicy, Step
    from identra.keys.turning import Turning

TURNS: Final = 16
Did: TypeAlias = Literal["published", "promoted", "retired", "revoked", "made"]


@dataclass(frozen=True, slots=True)
class Done:
    """What was done to a key. A published one is to sign from `signs_from` on."""

    did: Did
    kid: str
    signs_from: int | None = None
    purpose: str = "sig"


@dataclass(frozen=True, slots=True)
class Rotated:
    """What was done, and which step is due next, if one can be foreseen."""

    done: tuple[Done, ...]
    next: Due | None


class Rotation:
    """Takes the steps that are due. Instants are the database's, so nodes need not agree on it."""

    def __init__(self, db: Database, turning: Turning, policy: RotationPolicy) -> None:
        self._db = db
        self._turning = turning
        self._policy = policy

    async def rotate(self) -> Rotated:
        """Take every step that is due. Raises OperatorError, StoreUnavailable."""
        done: list[Done] = []
        for _ in range(TURNS):
            now, plan = await self._plan()
            if not plan or plan[0].at > now:
                return Rotated(tuple(done), plan[0] if plan else None)
            try:
                done.append(await self._take(plan[0].step))
            except Lost:
                continue
        return Rotated(tuple(done), None)

    async def hasten(self) -> Rotated:
        """Have another key sign as soon as every verifier can know it; take what is due by now."""
        now = await self._db.instant()
        done: tuple[Done, ...] = ()
        waiting = next((key for key in await list_keys(self._db) if key.state == "passive"), None)
        if waiting is None:
            done = (await self._take(Publish(self._policy.algorithm, now + self._policy.soonest)),)
        elif self._policy.known_from(waiting) < (waiting.signs_from or now):
            await self._turning.hasten(waiting.kid, self._policy.known_from(waiting))
        rotated = await self.rotate()
        return Rotated(done + rotated.done, rotated.next)

    async def _plan(self) -> tuple[int, tuple[Due, ...]]:
        keys, now = await list_keys(self._db), await self._db.instant()
        return now, plan_rotation(keys, now=now, policy=self._policy)

    async def _take(self, step: Step) -> Done:
        if isinstance(step, Publish):
            kid = await self._turning.publish(step.algorithm, step.signs_from)
            return Done("published", kid, step.signs_from)
        if isinstance(step, Retire):
            await self._turning.retire(step.key)
            return Done("retired", step.key.kid)
        await self._turning.promote(step.kid)
        return Done("promoted", step.kid)
