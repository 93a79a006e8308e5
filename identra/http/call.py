"""A request as this house sees it: when it began, its ids, its peer, its bearer token."""

from __future__ import annotations

import re
from time import perf_counter
from typing import TYPE_CHECKING, Any

from sanic.request import Request

from identra.errors import InvalidArgument
from identra.http.peer import peer_of
from identra.secret import uuid7
from identra.values import Peer

if TYPE_CHECKING:
    from identra.settings import SettingsTree

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_LONGEST_AGENT = 255


class Call(Request):
    """A Sanic request with ids of ours.

    `request_id` is the caller's X-Request-ID where well-formed, `attempt_id` always of our
    making. `reason` and `detail` are what the log will say of a failure.
    """

    __slots__ = ("attempt_id", "began", "detail", "reason", "request_id")

    def __init__(self, *arguments: Any, **named: Any) -> None:
        # Made by Sanic to answer a head that was refused, it has none; that head's target may be
        # one that no parser reads.
        if "head" not in named:
            named["url_bytes"] = b"*"
        super().__init__(*arguments, **named)
        self.began = perf_counter()
        self.attempt_id = uuid7()
        asked = self.headers.get("x-request-id", "")
        self.request_id = asked if _REQUEST_ID.fullmatch(asked) else uuid7()
        self.reason = ""
        self.detail = ""

    @property
    def template(self) -> str:
        """The route's template, fit for logs: no value of the caller's is in it."""
        return "-" if self.route is None else f"/{self.route.path}"


def peer(call: Call, settings: SettingsTree) -> Peer:
    """The network end of a call, with what the audit log keeps beside it."""
    agent = call.headers.get("user-agent", "")[:_LONGEST_AGENT]
    return Peer(
        address=address(call, settings),
        user_agent=agent.encode("ascii", "replace").decode(),
        attempt_id=call.attempt_id,
        request_id=call.request_id,
    )


def address(call: Call, settings: SettingsTree) -> str | None:
    """The end of the network that allowances count; None where nobody is counted."""
    forwarded = ",".join(call.headers.getall("x-forwarded-for", [])) or None
    socket = call.transport.get_extra_info("peername")
    return peer_of(
        socket[0] if isinstance(socket, tuple) else None,
        forwarded,
        settings.http.trusted_proxies,
        settings.limits.trusted_callers,
    )


def bearer(call: Call, in_body: str | None = None) -> str | None:
    """The access token of a call: its Authorization header (RFC 6750, 2.1), or `in_body`.

    None without either, or with another scheme. InvalidArgument when both are given and differ.
    """
    scheme, _, rest = call.headers.get("authorization", "").partition(" ")
    in_header = rest.strip(" \t") if scheme.lower() == "bearer" else None
    if in_header is not None and in_body and in_body != in_header:
        raise InvalidArgument.of("access_token", "is given twice")
    return in_header if in_header is not None else (in_body or None)
