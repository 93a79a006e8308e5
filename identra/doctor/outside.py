"""The service as its callers see it: its certificate, its answers, and the chain of proxies."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from identra.doctor.finding import Kind
from identra.values import DAY, SECOND, rfc3339

if TYPE_CHECKING:
    from collections.abc import Iterator

    from identra.attempts import AttemptLog, Kept
    from identra.doctor.finding import Finding

CERTIFICATE: Final = Kind(
    "CERTIFICATE_REFUSED", "error", "Renew the certificate, for that name, with its whole chain."
)
EXPIRES: Final = Kind("CERTIFICATE_EXPIRES", "warning", "Renew it, and see why nothing did.")
VALID: Final = Kind("CERTIFICATE_VALID", "ok")
UNREACHED: Final = Kind(
    "URL_UNREACHED", "error", "See that the service runs, and that its proxy leads to it."
)
NOT_READY: Final = Kind("URL_NOT_READY", "error", "Look at /readyz and at the service's log.")
DEGRADED: Final = Kind(
    "URL_DEGRADED", "warning", "Mend what /readyz names; the service goes on meanwhile."
)
OTHER: Final = Kind(
    "URL_OTHER", "error", "Let the address lead to a service on this very database."
)
READY: Final = Kind("URL_READY", "ok")
BELIEVED: Final = Kind(
    "PROXY_BELIEVES_CALLERS",
    "error",
    "Unless --url leads past the proxy: have it append the caller's address to X-Forwarded-For,"
    " and trust it alone.",
)
UNTRUSTED: Final = Kind(
    "PROXY_UNTRUSTED",
    "error",
    "Add the proxy's address to http.trusted_proxies: all its callers count as one.",
)
CHAIN: Final = Kind("PROXY_CHAIN", "ok")
UNSEEN: Final = Kind(
    "PROXY_UNSEEN", "warning", "Ask again; a service with --read-only tells nothing of its callers."
)
KINDS: Final = (
    *(CERTIFICATE, EXPIRES, VALID, UNREACHED, NOT_READY, DEGRADED, OTHER, READY),
    *(BELIEVED, UNTRUSTED, CHAIN, UNSEEN),
)

PATIENCE: Final = 10.0
SOON: Final = 21 * DAY
FORGED: Final = "192.0.2.66"
"""An address that nobody calls from (RFC 5737): whoever counts it believes what callers write."""
ANSWERED, UNAVAILABLE = 200, 503
WRITTEN_AFTER: Final = (0.6, 0.6, 1.2, 2.4)
"""Seconds to wait before the attempt is looked for once more."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the status, the JSON, and the attempt that it names."""

    status: int
    said: Any
    attempt_id: str


@dataclass(frozen=True, slots=True)
class Sight:
    """What is seen at an address; `unreached` tells why nothing is. `ends` is the certificate's."""

    url: str
    unreached: str = ""
    by_certificate: bool = False
    ends: int | None = None
    ready: Answer | None = None
    keys: Answer | None = None
    refused: Answer | None = None


async def look(url: str, *, calls: bool) -> Sight:
    """Look at an address; with `calls` call the service there as a client would."""
    return await asyncio.to_thread(_look, url, calls=calls)


def _look(url: str, *, calls: bool) -> Sight:
    try:
        ends = _certificate_ends(url)
        if not calls:
            return Sight(url, ends=ends)
        return Sight(
            url,
            ends=ends,
            ready=_call(url, "GET", "/readyz"),
            keys=_call(url, "GET", "/.well-known/jwks.json"),
            refused=_call(url, "POST", "/oauth/login"),
        )
    except ssl.SSLCertVerificationError as fault:
        return Sight(url, unreached=fault.verify_message, by_certificate=True)
    except (OSError, HTTPException, ValueError) as fault:
        said = fault.strerror if isinstance(fault, OSError) else None
        return Sight(url, unreached=said or type(fault).__name__)


def _certificate_ends(url: str) -> int | None:
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname:
        return None
    place = (parts.hostname, parts.port or 443)
    with (
        socket.create_connection(place, PATIENCE) as plain,
        ssl.create_default_context().wrap_socket(plain, server_hostname=parts.hostname) as secure,
    ):
        told: Any = secure.getpeercert() or {}
        return int(ssl.cert_time_to_seconds(told["notAfter"])) * SECOND


def _call(url: str, method: str, path: str) -> Answer:
    parts = urlsplit(url)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=PATIENCE)
    body = json.dumps({"code": "doctor", "state": "doctor"}) if method == "POST" else None
    headers = {"X-Forwarded-For": FORGED, "Content-Type": "application/json"}
    try:
        connection.request(method, parts.path.rstrip("/") + path, body, headers)
        return _read(connection.getresponse())
    finally:
        connection.close()


def _read(response: HTTPResponse) -> Answer:
    raw = response.read(1024 * 1024)
    try:
        said = json.loads(raw)
    except ValueError:
        said = None
    return Answer(response.status, said, response.headers.get("X-Attempt-ID", ""))


async def find(log: AttemptLog, sight: Sight) -> Kept | None:
    """The attempt that the call was, as the service kept it."""
    if sight.refused is None or not sight.refused.attempt_id:
        return None
    for seconds in WRITTEN_AFTER:
        await asyncio.sleep(seconds)
        if kept := await log.find(sight.refused.attempt_id):
            return kept
    return None


def judge(sight: Sight, kids: frozenset[str] | None, now: int) -> Iterator[Finding]:
    """What is to be said of an address; `kids` are those of the keys that are published here."""
    if sight.unreached:
        kind = CERTIFICATE if sight.by_certificate else UNREACHED
        yield kind.of(f"{sight.url}: {sight.unreached}")
        return
    if sight.ends is not None:
        kind = EXPIRES if sight.ends - now < SOON else VALID
        yield kind.of(f"{sight.url}: its certificate ends at {rfc3339(sight.ends)}")
    if sight.ready is not None:
        yield _judge_ready(sight.url, sight.ready)
    if sight.keys is not None and kids is not None and _kids(sight.keys) != kids:
        yield OTHER.of(f"{sight.url} answers with other keys than this database's")


def _judge_ready(url: str, answer: Answer) -> Finding:
    said = answer.said if isinstance(answer.said, dict) else {}
    degraded = ", ".join(map(str, said.get("degraded", ())))
    if answer.status == ANSWERED and said.get("status") == "ready":
        if degraded:
            return DEGRADED.of(f"{url}/readyz: degraded: {degraded}")
        return READY.of(f"{url}/readyz: ready")
    if answer.status == UNAVAILABLE:
        return NOT_READY.of(f"{url}/readyz: 503 {degraded}")
    return UNREACHED.of(f"{url}/readyz: {answer.status}, which Identra does not answer")


def _kids(answer: Answer) -> frozenset[str]:
    keys = answer.said.get("keys", []) if isinstance(answer.said, dict) else []
    return frozenset(str(key.get("kid")) for key in keys if isinstance(key, dict))


def judge_chain(kept: Kept | None) -> Finding:
    """What is to be said of the way a call came, as the service saw it."""
    came = kept.last("peer") if kept else None
    if kept is None or came is None:
        return UNSEEN.of("the service kept no attempt of the call")
    chain = came.facts.get("chain", "")
    *forwarded, nearest = [end.strip() for end in chain.split(",")]
    cause = f"came by {chain}, counted as {kept.peer or 'nobody'}"
    if kept.peer == FORGED:
        return BELIEVED.of(f"{cause}, which the doctor made up")
    appended = [end for end in forwarded if end != FORGED]
    if appended and kept.peer == nearest:
        return UNTRUSTED.of(f"{cause}: {nearest} is a proxy that is not trusted")
    return CHAIN.of(cause)
