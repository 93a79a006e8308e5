"""When the ring is to change, and how. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, TypeAlias

from identra.keys.nouns import MARGIN
from identra.values import DAY, SECOND

if TYPE_CHECKING:
    from collections.abc import Sequence

    from identra.keys.nouns import Algorithm, KeyRow


@dataclass(frozen=True, slots=True)
class RotationPolicy:
    """How keys follow each other; instants in microseconds.

    A key is published `ahead` of signing, or `soonest` where an operator is in a hurry: by then
    every verifier that keeps to the key set's max-age has it. `every` is None for never.
    """

    algorithm: Algorithm
    every: int | None
    ahead: int = DAY
    soonest: int = 600 * SECOND

    def known_from(self, key: KeyRow) -> int:
        """When every verifier can know a published key."""
        return key.created_at + self.soonest


@dataclass(frozen=True, slots=True)
class Publish:
    """A new key is to be made and published; it will sign from `signs_from` on."""

    name: ClassVar = "publish"
    kid: ClassVar = None
    algorithm: Algorithm
    signs_from: int


@dataclass(frozen=True, slots=True)
class Promote:
    """The passive key is to sign, the active one becomes a former one."""

    name: ClassVar = "promote"
    kid: str


@dataclass(frozen=True, slots=True)
class Retire:
    """A key is to leave the key set: nothing that it signed is alive."""

    name: ClassVar = "retire"
    key: KeyRow

    @property
    def kid(self) -> str:
        """Its id."""
        return self.key.kid


Step: TypeAlias = Publish | Promote | Retire


@dataclass(frozen=True, slots=True)
class Due:
    """A step and when it is due."""

    at: int
    step: Step


def plan_rotation(keys: Sequence[KeyRow], *, now: int, policy: RotationPolicy) -> tuple[Due, ...]:
    """Every step that can be foreseen, the earliest first; those up to `now` are due."""
    passive = next((k for k in keys if k.purpose == "sig" and k.state == "passive"), None)
    active = next((k for k in keys if k.purpose == "sig" and k.state == "active"), None)
    steps = [Due(key.needed_until, Retire(key)) for key in keys if key.state == "former"]
    if passive and passive.created_at > now + MARGIN:
        # Made while the database's clock was ahead: it would wait for that time to come.
        steps.append(Due(now, Retire(passive)))
    elif passive:
        steps.append(Due(passive.signs_from or now, Promote(passive.kid)))
    elif active and (at := _published_at(active, now, policy)) is not None:
        steps.append(Due(at, Publish(policy.algorithm, max(at, now) + policy.ahead)))
    return tuple(sorted(steps, key=lambda due: due.at))


def _published_at(active: KeyRow, now: int, policy: RotationPolicy) -> int | None:
    """When the active key's successor is to be published, if ever."""
    if active.algorithm != policy.algorithm:
        return now
    if policy.every is None:
        return None
    return active.changed_at + policy.every - policy.ahead
