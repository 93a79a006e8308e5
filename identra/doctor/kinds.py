"""Every kind of finding there is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from identra.doctor import (
    database,
    keys,
    machine,
    mail,
    outside,
    providers,
    redis,
    settings,
    webhooks,
)

if TYPE_CHECKING:
    from identra.doctor.finding import Kind


def every_kind() -> tuple[Kind, ...]:
    """All of them, topic by topic."""
    topics = (settings, database, redis, keys, mail, providers, webhooks, outside, machine)
    return tuple(kind for topic in topics for kind in topic.KINDS)
