"""One call through one door, and what it came to."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import grpc
import httpx
from chaos.ledger import Entry, Ledger, Outcome
from doors import Rest, Rpc, Told, told_of

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator

    from chaos.ledger import Act
    from doors import Door, Said

PATIENCE = 15.0
"""Seconds after which a caller gives up: longer than any answer may take."""
UNSURE = {"STORE_UNAVAILABLE", "INTERNAL", "GATEWAY", "CONNECTION"}


@dataclass(frozen=True)
class Doors:
    """REST and gRPC of the same service, as one caller uses them."""

    http: httpx.Client
    rest: Rest
    rpc: Rpc
    ledger: Ledger

    def ask(
        self,
        act: Act,
        door: Door,
        method: str,
        request: Said,
        metadata: dict[str, str],
        **known: Any,
    ) -> tuple[Entry, Said]:
        """Call a method; the entry is written once what is `known` of the answer is added."""
        return self._told(act, door.name, lambda: door.ask(method, request, metadata), **known)

    def end_all(self, metadata: dict[str, str], **known: Any) -> Entry:
        """End all sessions of the caller's, which REST alone can."""
        entry, _ = self._told(
            "revoke_all",
            "rest",
            lambda: told_of(self.http.delete("/me/sessions", headers=metadata)),
            **known,
        )
        return entry

    def _told(
        self, act: Act, door: str, call: Callable[[], Told], **known: Any
    ) -> tuple[Entry, Said]:
        learn = known.pop("learn", None)
        began = time.monotonic()
        told = _answered(call)
        ended = time.monotonic()
        if told.code == 0:
            outcome = Outcome.acknowledged
            known |= learn(told.answer) if learn else {}
        else:
            outcome = Outcome.unknown if told.reason in UNSURE else Outcome.refused
        known |= {"reason": told.reason, "says": told.message}
        entry = Entry(act, outcome, began, ended, door, **known)
        return self.ledger.write(entry), told.answer


@contextmanager
def opened(url: str, place: str, trust: bytes, context: ssl.SSLContext) -> Iterator[Any]:
    """Makes doors to a service behind TLS: a function of the ledger to write to."""
    credentials = grpc.ssl_channel_credentials(trust)
    with (
        httpx.Client(base_url=url, timeout=PATIENCE, verify=context) as http,
        grpc.secure_channel(place, credentials) as channel,
    ):
        yield lambda ledger: Doors(http, Rest(http), Rpc(channel), ledger)


def _answered(call: Callable[[], Told]) -> Told:
    """What was told; of what was no answer of the service's, the reason tells so."""
    try:
        told = call()
    except httpx.TransportError as error:
        return Told(14, reason="CONNECTION", message=repr(error))
    except json.JSONDecodeError as error:
        return Told(14, reason="GATEWAY", message=error.doc)  # a page of the proxy's own
    if told.code and not told.reason:  # a status without the details that the service gives
        return Told(told.code, reason="GATEWAY", message=f"{told.code}: {told.message}")
    return told
