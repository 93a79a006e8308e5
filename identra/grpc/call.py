"""A call as this house sees it: when it began, its ids, its peer, its bearer token."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any, NoReturn, Protocol, TypeAlias
from urllib.parse import unquote

from identra.caller import agent_of, bearer_of, chain_of, peer_of, request_id_of, trace_of
from identra.errors import Busy, HeadersTooLarge, InvalidArgument
from identra.locales import heard
from identra.secret import uuid7
from identra.standing import fields_of
from identra.values import Peer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from identra.settings import SettingsTree

Entry: TypeAlias = tuple[str, str | bytes]
"""A name and its value, which is of bytes where the name ends with `-bin`."""

LONGEST_METADATA = 16 * 1024
_ENTRY = 32
"""What HTTP/2 counts for an entry beside its name and value (RFC 9113, 6.5.2)."""


class Context(Protocol):
    """What is used of the library's context of a call."""

    def invocation_metadata(self) -> Sequence[Entry] | None:
        """What came with the call beside its message."""
        ...

    def peer(self) -> str:
        """The other end of the socket."""
        ...

    async def read(self) -> Any:
        """The next message; EOF after the last."""
        ...

    async def write(self, message: bytes) -> None:
        """Send a message of several."""
        ...

    async def send_initial_metadata(self, metadata: Sequence[tuple[str, str]]) -> None:
        """Send what goes before the answer."""
        ...

    async def abort(
        self, code: Any, details: str, trailing_metadata: tuple[Entry, ...]
    ) -> NoReturn:
        """End the call with a failure, by an exception."""
        ...


class Call:
    """One call of `method`, a name of ours and never the caller's.

    `request_id` is the caller's where well-formed, `attempt_id` always of our making. `headers`
    are added to by whoever has more to say beside the answer.
    """

    __slots__ = (
        "_end",
        "_said",
        "_settings",
        "_socket",
        "attempt_id",
        "began",
        "headers",
        "method",
    )

    def __init__(self, method: str, context: Context, settings: SettingsTree) -> None:
        self.began = perf_counter()
        self.method = method
        self.attempt_id = uuid7()
        self._settings = settings
        self._socket = _socket_of(context)
        self._said = context.invocation_metadata() or ()
        self._end: Peer | None = None
        self.headers: dict[str, str] = {
            "x-request-id": request_id_of(self.said("x-request-id")),
            "x-attempt-id": self.attempt_id,
        }

    @property
    def request_id(self) -> str:
        """The caller's id of this call, or the one that was made for her."""
        return self.headers["x-request-id"]

    @property
    def milliseconds(self) -> float:
        """Since it began."""
        return round((perf_counter() - self.began) * 1000, 1)

    def said(self, name: str) -> str | None:
        """The text of a metadata entry; of several, the first. None without one."""
        return next((v for n, v in self._said if n == name and isinstance(v, str)), None)

    def _address(self) -> str | None:
        """The end of the network that allowances count; None where nobody is counted."""
        return peer_of(
            self._socket,
            self._forwarded(),
            self._settings.http.trusted_proxies,
            self._settings.limits.trusted_callers,
        )

    def peer(self) -> Peer:
        """The network end of the call, with what the audit log keeps beside it; found once."""
        if self._end is None:
            self._end = Peer(
                address=self._address(),
                user_agent=agent_of(self.said("user-agent")),
                attempt_id=self.attempt_id,
                request_id=self.request_id,
                chain=chain_of(self._socket, self._forwarded()),
                locale=heard(",".join(self._all("accept-language"))),
            )
        return self._end

    def told(self) -> dict[str, str]:
        """All that goes beside the answer: `headers`, and how the caller's allowances stand."""
        standings = fields_of(self._end.standings.values() if self._end else ())
        return self.headers | {name.lower(): value for name, value in standings.items()}

    def trace(self) -> dict[str, str]:
        """The trace that the call is part of, where its caller's word is heeded."""
        tracing = self._settings.tracing
        return trace_of(self._socket, self.said, tracing.callers) if tracing else {}

    def bearer(self, in_message: str = "") -> str | None:
        """The access token of the call: its `authorization` metadata, or the message's field.

        None without either, or with another scheme. InvalidArgument when it is given twice.
        """
        return bearer_of(self.said("authorization"), in_message)

    def judge(self) -> None:
        """Raise unless the metadata is no larger than REST's head, and of one meaning.

        Busy for a call from nowhere: its socket is gone, and allowances would count it for nobody.
        """
        if self._socket is None:
            raise Busy("from a socket that is gone")
        size = sum(len(name) + len(value) + _ENTRY for name, value in self._said)
        if size > LONGEST_METADATA:
            raise HeadersTooLarge
        if len(self._all("authorization")) > 1:
            raise InvalidArgument.of("authorization", "is given twice")

    def _forwarded(self) -> str | None:
        return ",".join(self._all("x-forwarded-for")) or None

    def _all(self, name: str) -> list[str]:
        return [v for n, v in self._said if n == name and isinstance(v, str)]


def _socket_of(context: Context) -> str | None:
    try:
        return socket_address(context.peer())
    except UnicodeDecodeError:  # of a socket that is closed already, the library reads anything
        return None


def socket_address(peer: str) -> str | None:
    """The address in the library's name of a socket, `ipv4:192.0.2.1:4711` or `ipv6:[…]:4711`."""
    family, _, rest = peer.partition(":")
    host, _, _ = unquote(rest).rpartition(":")
    return host if family in {"ipv4", "ipv6"} else None
