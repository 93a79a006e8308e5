"""Judging a request's head: strictly RFC 9112, or not at all.

What two parsers read differently is how requests are smuggled past a proxy; so a head that
leaves room for reading is refused before anything else looks at it.
"""

from __future__ import annotations

import ipaddress
import re

from identra.errors import (
    BodyTooLarge,
    HeadersTooLarge,
    InvalidArgument,
    LengthRequired,
    UriTooLong,
)

LONGEST_HEAD = 16 * 1024
LONGEST_TARGET = 4 * 1024
LONGEST_BODY = 64 * 1024
MOST_LINES = 100
"""Lines of a head beside the first."""

PROBES = frozenset({b"/healthz", b"/readyz", b"/api/healthz", b"/api/readyz"})
"""What an HTTP/1.0 prober may ask for without a Host."""

_ONCE = frozenset(
    {b"host", b"content-length", b"content-type", b"authorization", b"expect", b"connection"}
)
_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_METHOD = rb"[A-Z][A-Z-]*"
"""Sanic answers `head` without a body, and says how long it would be: what waits for that takes the
next answer for it."""
_REQUEST_LINE = re.compile(rb"(" + _METHOD + rb") ([\x21\x22\x24-\x7e]+) HTTP/1\.([01])")
_FIELD = re.compile(rb"(" + _TOKEN + rb"):[ \t]*([\t\x20-\x7e\x80-\xff]*)")
_HOST = re.compile(rb"([A-Za-z0-9._\-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
_TARGET = re.compile(rb"(?:https?://([^/?]*))?(/[^?]*)(?:\?.*)?")
_LENGTH = re.compile(rb"[0-9]{1,10}")


def judge(head: bytes, *, local_only: bool = False) -> dict[bytes, bytes]:
    """The fields of a head that is strictly RFC 9112; raise the error to answer with otherwise.

    Names are in small letters, and of several alike the last stands. `head` ends before the empty
    line. With `local_only` the Host must be localhost or a loopback address, so that no web page
    can reach a developer's service under a name of its own.
    """
    if len(head) > LONGEST_HEAD:
        raise HeadersTooLarge
    first, *lines = head.split(b"\r\n")
    if len(lines) > MOST_LINES:
        raise HeadersTooLarge
    line = _REQUEST_LINE.fullmatch(first)
    if line is None:
        raise InvalidArgument("the request line is not RFC 9112, 3")
    method, target, minor = line.groups()
    fields = _fields(lines)
    authority, path = _split_target(method, target)
    _judge_host(fields.get(b"host"), authority, without=minor == b"0" and path in PROBES)
    if local_only:
        _demand_local(fields.get(b"host"))
    _judge_body(method, fields)
    return fields


def _fields(lines: list[bytes]) -> dict[bytes, bytes]:
    fields: dict[bytes, bytes] = {}
    for line in lines:
        field = _FIELD.fullmatch(line)
        if field is None:
            raise InvalidArgument("a header line is not RFC 9112, 5")
        name = field[1].lower()
        if name in fields and name in _ONCE:
            raise InvalidArgument.of(name.decode(), "is given twice")
        fields[name] = field[2].strip(b" \t")
    return fields


def _split_target(method: bytes, target: bytes) -> tuple[bytes | None, bytes]:
    if len(target) > LONGEST_TARGET:
        raise UriTooLong
    if target == b"*" and method == b"OPTIONS":
        return None, target
    parts = _TARGET.fullmatch(target)
    if parts is None:
        raise InvalidArgument("the request target is not RFC 9112, 3.2, or has no path")
    return parts[1], parts[2]


def _judge_host(host: bytes | None, authority: bytes | None, *, without: bool) -> None:
    if host is None and without:
        return
    if host is None or _HOST.fullmatch(host) is None:
        raise InvalidArgument.of("host", "is one host, with or without a port")
    if authority is not None and authority.lower() != host.lower():
        raise InvalidArgument.of("host", "is not the host of the request target")


def _demand_local(host: bytes | None) -> None:
    found = _HOST.fullmatch(host or b"localhost")
    if found is None or not _is_local(found[1].strip(b"[]").decode()):
        raise InvalidArgument.of("host", "is localhost or a loopback address in development")


def _is_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _judge_body(method: bytes, fields: dict[bytes, bytes]) -> None:
    if b"transfer-encoding" in fields:
        raise LengthRequired("Transfer-Encoding")
    if fields.get(b"expect", b"100-continue").lower() != b"100-continue":
        raise InvalidArgument.of("expect", "is 100-continue or absent")
    length = fields.get(b"content-length")
    if length is None:
        if method == b"POST" and b"content-type" in fields:
            raise LengthRequired("Content-Type without Content-Length")
        return
    if _LENGTH.fullmatch(length) is None:
        raise InvalidArgument.of("content-length", "is a number of bytes")
    if int(length) > LONGEST_BODY:
        raise BodyTooLarge
