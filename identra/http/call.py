"""A request as this house sees it: when it began, its ids, its peer, its bearer token."""

from __future__ import annotations

from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING, Any

from sanic.request import Request

from identra.caller import agent_of, bearer_of, chain_of, peer_of, request_id_of, trace_of
from identra.locales import heard, spoken
from identra.secret import uuid7
from identra.values import Peer

if TYPE_CHECKING:
    from collections.abc import Callable

    from identra.settings import SettingsTree


class Call(Request):
    """A Sanic request with ids of ours.

    `request_id` is the caller's X-Request-ID where well-formed, `attempt_id` always of our
    making. `reason` and `detail` are what the log will say of a failure, `end` who is at the other
    end once anybody asked, `by` the admin key that was cleared for it.
    """

    __slots__ = ("attempt_id", "began", "by", "detail", "end", "reason", "request_id")

    def __init__(self, *arguments: Any, **named: Any) -> None:
        # Made by Sanic to answer a head that was refused, it has none; that head's target may be
        # one that no parser reads.
        if "head" not in named:
            named["url_bytes"] = b"*"
        super().__init__(*arguments, **named)
        self.began = perf_counter()
        self.attempt_id = uuid7()
        self.request_id = request_id_of(self.headers.get("x-request-id"))
        self.reason = ""
        self.detail = ""
        self.by = ""
        self.end: Peer | None = None

    @property
    def waited(self) -> float:
        """Seconds in which nobody took it in, where that was long; else 0."""
        waited: float = getattr(self.transport.get_protocol(), "waited", 0.0)
        return waited

    @property
    def template(self) -> str:
        """The route's template, fit for logs: no value of the caller's is in it."""
        return "-" if self.route is None else f"/{self.route.path}"


def peer(call: Call, settings: SettingsTree) -> Peer:
    """The network end of a call, with what the audit log keeps beside it; found once."""
    if call.end is None:

        def said(name: str) -> str | None:
            return ",".join(call.headers.getall(name, [])) or None

        call.end = end_of(_socket(call), said, settings, (call.attempt_id, call.request_id))
    return call.end


def end_of(
    socket: str | None,
    said: Callable[[str], str | None],
    settings: SettingsTree,
    ids: tuple[str, str],
) -> Peer:
    """The network end of what came from `socket` and `said` so in its fields.

    `ids` are the attempt's and the request's.
    """
    http, limits, forwarded = settings.http, settings.limits, said("x-forwarded-for")
    attempt_id, request_id = ids
    return Peer(
        address=peer_of(socket, forwarded, http.trusted_proxies, limits.trusted_callers),
        user_agent=agent_of(said("user-agent")),
        attempt_id=attempt_id,
        request_id=request_id,
        chain=chain_of(socket, forwarded),
        locale=heard(said("accept-language") or ""),
    )


def speaking(end: Peer, said: str | None) -> Peer:
    """The same end, in the language that a body asks for, if that is one of ours."""
    return replace(end, locale=spoken(said or "") or end.locale)


def trace(call: Call, settings: SettingsTree) -> dict[str, str]:
    """The trace that a call is part of, where its caller's word is heeded."""
    if settings.tracing is None:
        return {}
    return trace_of(_socket(call), call.headers.get, settings.tracing.callers)


def _socket(call: Call) -> str | None:
    socket = call.transport.get_extra_info("peername")
    return socket[0] if isinstance(socket, tuple) else None


def bearer(call: Call, in_body: str | None = None) -> str | None:
    """The access token of a call: its Authorization header (RFC 6750, 2.1), or `in_body`.

    None without either, or with another scheme. InvalidArgument when both are given and differ.
    """
    return bearer_of(call.headers.get("authorization"), in_body)
