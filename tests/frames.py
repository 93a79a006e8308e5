"""gRPC on the wire, as much of it as asks a unary method on a connection of its own.

By hand, so that a test may say what no client says, and a benchmark measures the server alone.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RESET, SETTINGS, PING, WINDOW, CONTINUATION = 0, 1, 3, 4, 6, 8, 9
END_STREAM, END_HEADERS, ACK = 1, 4, 1
HEAD = 9
WIDE = 2**30


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    """A frame (RFC 9113, 4.1)."""
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def greeting() -> bytes:
    """What a client says first: no limit on what it is sent that a run would reach."""
    settings = struct.pack(">HIHI", 4, WIDE, 2, 0)  # INITIAL_WINDOW_SIZE, ENABLE_PUSH
    wider = frame(WINDOW, 0, 0, struct.pack(">I", WIDE))
    return PREFACE + frame(SETTINGS, 0, 0, settings) + wider


def head(path: str, **metadata: str) -> bytes:
    """The header block of a call, every field a literal (RFC 7541, 6.2.2)."""
    fields = {
        ":method": "POST",
        ":scheme": "http",
        ":path": path,
        ":authority": "localhost",
        "content-type": "application/grpc",
        "te": "trailers",
    }
    said = {name.replace("_", "-"): value for name, value in metadata.items()}
    return b"".join(field(*one) for one in (fields | said).items())


def field(name: str, value: str) -> bytes:
    """A literal field of a header block."""
    return b"\0" + _text(name) + _text(value)


def call(block: bytes, message: bytes, stream: int) -> bytes:
    """A call: its head, and its one message."""
    data = b"\0" + struct.pack(">I", len(message)) + message
    return frame(HEADERS, END_HEADERS, stream, block) + frame(DATA, END_STREAM, stream, data)


def frames(buffer: bytearray) -> Iterator[tuple[int, int, bytes]]:
    """The whole frames of a buffer, which are taken out of it: kind, flags and payload."""
    at = 0
    while len(buffer) - at >= HEAD:
        length = int.from_bytes(buffer[at : at + 3], "big")
        end = at + HEAD + length
        if len(buffer) < end:
            break
        yield buffer[at + 3], buffer[at + 4], bytes(buffer[at + HEAD : end])
        at = end
    del buffer[:at]


def _text(text: str) -> bytes:
    raw = text.encode()
    if len(raw) < 127:
        return bytes([len(raw)]) + raw
    more, rest = b"", len(raw) - 127
    while rest >= 128:
        more, rest = more + bytes([rest % 128 + 128]), rest // 128
    return b"\x7f" + more + bytes([rest]) + raw
