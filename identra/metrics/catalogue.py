"""Every metric: its name, its kind, its labels, how the workers' numbers become one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from identra.metrics.causes import every_label

Kind: TypeAlias = Literal["counter", "gauge", "histogram"]
Merging: TypeAlias = Literal["sum", "max", "min", "each"]
"""What is told of the workers' gauges: one number, or each with the label `worker`."""

BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds of a histogram's buckets, in seconds; beyond the last there is one more."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric. `known` are the values of its labels that are told from the start, as 0.

    A counter that appears with its first event shows no increase for it.
    """

    name: str
    kind: Kind
    says: str
    labels: tuple[str, ...] = ()
    merging: Merging = "sum"
    known: tuple[tuple[str, ...], ...] = ()

    @property
    def width(self) -> int:
        """How many numbers it takes: of a histogram the buckets, then the sum."""
        return len(BUCKETS) + 2 if self.kind == "histogram" else 1

    @property
    def told_labels(self) -> tuple[str, ...]:
        """Its labels as they are told."""
        return (*self.labels, "worker") if self.merging == "each" else self.labels


def _each(*values: str) -> tuple[tuple[str, ...], ...]:
    return tuple((value,) for value in values)


REQUESTS: Final = Metric(
    "identra_requests_total",
    "counter",
    "Requests answered",
    ("route", "method", "status", "reason"),
)
REQUEST_SECONDS: Final = Metric(
    "identra_request_seconds", "histogram", "Seconds until the answer", ("route",)
)
TOKENS_REFUSED: Final = Metric(
    "identra_tokens_refused_total",
    "counter",
    "Tokens refused",
    ("token", "cause"),
    known=every_label(),
)
LOGINS: Final = Metric(
    "identra_logins_total",
    "counter",
    "Sign-ins tried",
    ("provider", "method", "outcome"),
)
SESSIONS_REVOKED: Final = Metric(
    "identra_sessions_revoked_total",
    "counter",
    "Sessions ended before their time",
    ("reason",),
    known=_each("theft", "ahead"),
)
EVENTS: Final = Metric("identra_events_total", "counter", "Events recorded", ("event",))
MAIL: Final = Metric(
    "identra_mail_total",
    "counter",
    "Letters by what became of them",
    ("outcome",),
    known=_each("queued", "delivered", "delayed", "failed", "refused", "lost"),
)
PROVIDER_CALLS: Final = Metric(
    "identra_provider_calls_total",
    "counter",
    "Calls to providers",
    ("provider", "outcome"),
)
PROVIDER_SECONDS: Final = Metric(
    "identra_provider_call_seconds", "histogram", "Seconds of a call to a provider", ("provider",)
)
PLUGIN_FAILURES: Final = Metric(
    "identra_plugin_failures_total",
    "counter",
    "Calls into plugins that failed",
    ("plugin", "call"),
)
PLUGINS_LEFT_OUT: Final = Metric(
    "identra_plugins_left_out",
    "gauge",
    "Plugins and providers that the service started without",
    merging="max",
)
WEBHOOKS: Final = Metric(
    "identra_webhooks_total",
    "counter",
    "Events told to webhooks, by what became of it",
    ("target", "outcome"),
)
WEBHOOK_QUEUE: Final = Metric(
    "identra_webhook_queue",
    "gauge",
    "Events that wait to be told to a webhook",
    ("target",),
    merging="max",
)
WEBHOOK_AGE: Final = Metric(
    "identra_webhook_queue_age_seconds",
    "gauge",
    "Seconds since the oldest of them was recorded",
    ("target",),
    merging="max",
)
READY: Final = Metric(
    "identra_ready", "gauge", "1 where the worker can do its work", merging="each"
)
HASH_QUEUE: Final = Metric(
    "identra_hash_queue", "gauge", "Hashes under way or waiting for a thread"
)
HASH_ROOM: Final = Metric(
    "identra_hash_room", "gauge", "Hashes that may be under way or waiting before BUSY"
)
MAIL_QUEUE: Final = Metric("identra_mail_queue", "gauge", "Letters not settled yet")
CONNECTIONS: Final = Metric(
    "identra_database_connections",
    "gauge",
    "Connections of a worker to its database",
    ("state",),
    merging="each",
)
REDIS_UP: Final = Metric(
    "identra_redis_up", "gauge", "1 where Redis answered every worker's last call", merging="min"
)
REDIS_CONNECTIONS: Final = Metric(
    "identra_redis_connections",
    "gauge",
    "Connections of a worker to Redis",
    ("state",),
    merging="each",
)
KEYS: Final = Metric(
    "identra_keys", "gauge", "Keys of the ring", ("state", "algorithm"), merging="max"
)
KEY_AGE: Final = Metric(
    "identra_key_age_seconds",
    "gauge",
    "Seconds since the oldest key of a state came into it",
    ("state", "algorithm"),
    merging="max",
)
KEY_NEXT_STEP: Final = Metric(
    "identra_key_next_step_seconds",
    "gauge",
    "Seconds until the ring's next step is due, negative where it is overdue",
    ("step",),
    merging="min",
)
KEY_RING_READ: Final = Metric(
    "identra_key_ring_read_seconds",
    "gauge",
    "Seconds since the ring was last read",
    merging="max",
)
WORKERS: Final = Metric("identra_workers", "gauge", "Worker processes that run")
WORKERS_WANTED: Final = Metric("identra_workers_wanted", "gauge", "Worker processes asked for")
WORKER_ENDS: Final = Metric(
    "identra_worker_ends_total", "counter", "Workers that ended and were replaced", ("by",)
)
BUILD: Final = Metric(
    "identra_build_info", "gauge", "1, with the release as labels", ("version", "python")
)

EVERY: Final = (
    *(REQUESTS, REQUEST_SECONDS, TOKENS_REFUSED, LOGINS, SESSIONS_REVOKED, EVENTS),
    *(MAIL, PROVIDER_CALLS, PROVIDER_SECONDS, PLUGIN_FAILURES, PLUGINS_LEFT_OUT),
    *(WEBHOOKS, WEBHOOK_QUEUE, WEBHOOK_AGE),
    *(READY, HASH_QUEUE, HASH_ROOM, MAIL_QUEUE, CONNECTIONS),
    *(REDIS_UP, REDIS_CONNECTIONS),
    *(KEYS, KEY_AGE, KEY_NEXT_STEP, KEY_RING_READ),
    *(WORKERS, WORKERS_WANTED, WORKER_ENDS, BUILD),
)
