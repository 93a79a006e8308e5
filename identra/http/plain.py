"""A request as plain as can be: all that it says is there at once, and none of it is odd."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from identra.http.gate import judge

if TYPE_CHECKING:
    from collections.abc import Mapping

_END: Final = b"\r\n\r\n"
_KEEP: Final = b"keep-alive"
_ODD: Final = frozenset({b"expect", b"upgrade"})
"""Fields of whoever waits for something before the answer, or for another one."""


@dataclass(frozen=True, slots=True)
class Plain:
    """The fields of a plain request, by name in small letters, and its body."""

    fields: Mapping[bytes, bytes]
    body: bytes

    def said(self, name: str) -> str | None:
        """What a field says, as Sanic decodes it; None where it is missing, or empty."""
        said = self.fields.get(name.encode())
        return said.decode(errors="surrogateescape") if said else None


def plain_of(data: bytes, *, local_only: bool) -> Plain | None:
    """What came, where it is one plain request and nothing else, on a connection that is to stay.

    Raises what its head would be answered with where that breaks a rule of the gate.
    """
    head, end, body = data.partition(_END)
    if not end:
        return None
    fields = judge(head, local_only=local_only)
    once = len(fields) == head.count(b"\r\n")
    kept = fields.get(b"connection", _KEEP).lower() == _KEEP
    whole = int(fields.get(b"content-length", b"0")) == len(body)
    return Plain(fields, body) if once and kept and whole and not fields.keys() & _ODD else None
