"""A target: where, by which keys, and which events."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, get_args

from identra.errors import OperatorError
from identra.events import EventName
from identra.secret import digest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from identra.settings.webhooks import Webhook
    from identra.upstream import Grounds


@dataclass(frozen=True, slots=True)
class Target:
    """Somebody who is told. The first of `keys` signs first."""

    name: str
    url: str
    keys: tuple[bytes, ...] = field(repr=False)
    events: tuple[str, ...] = ("*",)
    grounds: Grounds = "public"

    @property
    def place(self) -> str:
        """What is noted of its URL, which may hold a secret of its owner's."""
        return digest("webhook", self.url)

    def wants(self, event: str) -> bool:
        """Whether it is told of events by that name."""
        return any(matches(pattern, event) for pattern in self.events)


def matches(pattern: str, event: str) -> bool:
    """Whether a pattern (`*`, `user.*` or a name) means an event's name."""
    return pattern == event or (pattern.endswith("*") and event.startswith(pattern[:-1]))


def read_targets(sections: Mapping[str, Webhook]) -> tuple[Target, ...]:
    """The targets of the settings. Raises OperatorError for a pattern that means no event."""
    return tuple(_read(name, section) for name, section in sections.items())


def wanted_by(targets: Sequence[Target]) -> Callable[[str], tuple[str, ...]]:
    """Tells the names of those that want an event, each time but the first without asking."""

    @cache
    def wanted(event: str) -> tuple[str, ...]:
        return tuple(target.name for target in targets if target.wants(event))

    return wanted


def _read(name: str, section: Webhook) -> Target:
    for pattern in section.events:
        if not any(matches(pattern, event) for event in get_args(EventName)):
            raise OperatorError(f"webhooks.{name}.events: there is no event {pattern}")
    return Target(
        name=name,
        url=section.url,
        keys=section.keys,
        events=section.events,
        grounds="private" if section.allow_private else "public",
    )
