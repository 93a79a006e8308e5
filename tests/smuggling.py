"""What is sent to a door so that two who read it would read two things: each must be refused."""

from __future__ import annotations

from typing import Final

POST: Final = b"POST /token/revoke HTTP/1.1\r\n"
GET: Final = b"GET /healthz HTTP/1.1\r\nHost: a\r\n"
HOST: Final = b"Host: a\r\n"
JSON: Final = b"Content-Type: application/json\r\n"
BODY: Final = b'{"refresh_token":"x"}'
SMUGGLED: Final = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"

HEADS: Final = {
    "a space before a colon": POST + HOST + b"Content-Length : 21\r\n" + JSON + b"\r\n" + BODY,
    "Transfer-Encoding with a space": POST
    + HOST
    + b"Transfer-Encoding : chunked\r\nContent-Length: 4\r\n\r\n1e\r\n",
    "a tab before a colon": POST + HOST + b"Transfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n",
    "a bare LF in a value": GET + b"X: 1\n\nGET / HTTP/1.1\r\n\r\n",
    "bare LF for every line": b"GET /healthz HTTP/1.1\nHost: a\n\n\r\n\r\n",
    "a length behind a bare LF": POST + HOST + b"X: 1\nContent-Length: 50\r\n\r\n",
    "a bare CR in a value": GET + b"X: 1\rY: 2\r\n\r\n",
    "a length behind a bare CR": POST + HOST + b"X: 1\rContent-Length: 50\r\n\r\n",
    "a folded line": GET + b"X: 1\r\n 2\r\n\r\n",
    "a folded line with a tab": GET + b"X: 1\r\n\t2\r\n\r\n",
    "a folded length": POST + HOST + b"Content-Length:\r\n 21\r\n" + JSON + b"\r\n" + BODY,
    "a folded Transfer-Encoding": POST + HOST + b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    "a line folded before the first field": b"GET /healthz HTTP/1.1\r\n X: 1\r\n" + HOST + b"\r\n",
    "NUL in a value": GET + b"X: \0\r\n\r\n",
    "NUL in a name": GET + b"X\0: 1\r\n\r\n",
    "NUL in the target": b"GET /healthz\0 HTTP/1.1\r\n" + HOST + b"\r\n",
    "a control character in a value": GET + b"X: \x0b\r\n\r\n",
    "DEL in a value": GET + b"X: \x7f\r\n\r\n",
    "no Host": b"GET /oauth/providers HTTP/1.1\r\n\r\n",
    "no Host, 1.0": b"GET /oauth/providers HTTP/1.0\r\n\r\n",
    "an empty Host": b"GET /healthz HTTP/1.1\r\nHost: \r\n\r\n",
    "two Hosts": GET + b"Host: b\r\n\r\n",
    "two Hosts alike": GET + b"Host: a\r\n\r\n",
    "a Host with a path": b"GET /healthz HTTP/1.1\r\nHost: a/b\r\n\r\n",
    "a Host with a user": b"GET /healthz HTTP/1.1\r\nHost: u@a\r\n\r\n",
    "a list of Hosts": b"GET /healthz HTTP/1.1\r\nHost: a, b\r\n\r\n",
    "digits of another script": POST
    + HOST
    + b"Content-Length: \xd9\xa2\xd9\xa1\r\n"
    + JSON
    + b"\r\n"
    + BODY,
    "a signed length": POST + HOST + b"Content-Length: +21\r\n" + JSON + b"\r\n" + BODY,
    "a negative length": POST + HOST + b"Content-Length: -1\r\n\r\n",
    "a length in hexadecimal": POST + HOST + b"Content-Length: 0x15\r\n" + JSON + b"\r\n" + BODY,
    "a length with a fraction": POST + HOST + b"Content-Length: 21.0\r\n" + JSON + b"\r\n" + BODY,
    "a length with an underscore": POST + HOST + b"Content-Length: 2_1\r\n\r\n" + BODY,
    "an empty length": POST + HOST + b"Content-Length:\r\n" + JSON + b"\r\n" + BODY,
    "a length and more": POST + HOST + b"Content-Length: 21 x\r\n" + JSON + b"\r\n" + BODY,
    "a length without end": POST + HOST + b"Content-Length: " + b"1" * 400 + b"\r\n\r\n" + BODY,
    "two lengths": POST + HOST + b"Content-Length: 21\r\nContent-Length: 0\r\n\r\n" + BODY,
    "two lengths alike": POST + HOST + b"Content-Length: 21\r\ncontent-length: 21\r\n\r\n" + BODY,
    "a list of lengths": POST + HOST + b"Content-Length: 21, 21\r\n\r\n" + BODY,
    "two types": POST + HOST + JSON + JSON + b"Content-Length: 21\r\n\r\n" + BODY,
    "two tokens": GET + b"Authorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n",
    "two words about the connection": GET + b"Connection: close\r\nConnection: keep-alive\r\n\r\n",
    "another expectation": POST + HOST + b"Expect: 200-maybe\r\nContent-Length: 0\r\n\r\n",
    "no version": b"GET /healthz\r\n" + HOST + b"\r\n",
    "another version": b"GET /healthz HTTP/3.0\r\n" + HOST + b"\r\n",
    "a version in small letters": b"GET /healthz http/1.1\r\n" + HOST + b"\r\n",
    "a version of one digit": b"GET /healthz HTTP/1\r\n" + HOST + b"\r\n",
    "the preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a tab in the request line": b"GET\t/healthz HTTP/1.1\r\n" + HOST + b"\r\n",
    "two spaces in the request line": b"GET  /healthz HTTP/1.1\r\n" + HOST + b"\r\n",
    "a space behind the request line": b"GET /healthz HTTP/1.1 \r\n" + HOST + b"\r\n",
    "a space before the request line": b" GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n",
    "an empty line before the request": b"\r\n" + GET + b"\r\n",
    "a space in the target": b"GET /healthz x HTTP/1.1\r\n" + HOST + b"\r\n",
    "letters of another script in the target": b"GET /\xc3\xa9 HTTP/1.1\r\n" + HOST + b"\r\n",
    "a method in small letters": b"head /healthz HTTP/1.1\r\n" + HOST + b"\r\n",
    "a method of other characters": b"G(T /healthz HTTP/1.1\r\n" + HOST + b"\r\n",
    "bytes that are no text": b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n",
    "a colon and nothing before": GET + b": x\r\n\r\n",
    "a field without a colon": GET + b"X\r\n\r\n",
    "a fragment": b"GET /healthz#x HTTP/1.1\r\n" + HOST + b"\r\n",
    "an authority of another": b"GET http://b/healthz HTTP/1.1\r\n" + HOST + b"\r\n",
    "an authority with a user": b"GET http://u@a/healthz HTTP/1.1\r\n" + HOST + b"\r\n",
    "an authority without a path": b"GET http://a HTTP/1.1\r\n" + HOST + b"\r\n",
    "another scheme": b"GET ftp://a/healthz HTTP/1.1\r\n" + HOST + b"\r\n",
    "a tunnel": b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n",
    "an asterisk to read": b"GET * HTTP/1.1\r\n" + HOST + b"\r\n",
    "a target without a slash": b"GET healthz HTTP/1.1\r\n" + HOST + b"\r\n",
}
"""Answered 400, each by its rule."""

ENCODINGS: Final = {
    name: POST + HOST + JSON + fields + b"\r\n\r\n"
    for name, fields in {
        "chunked": b"Transfer-Encoding: chunked",
        "in small letters": b"transfer-encoding: chunked",
        "in large letters": b"TRANSFER-ENCODING: CHUNKED",
        "a tab before it": b"Transfer-Encoding:\tchunked",
        "nothing": b"Transfer-Encoding:",
        "identity": b"Transfer-Encoding: identity",
        "another": b"Transfer-Encoding: xchunked",
        "in quotes": b'Transfer-Encoding: "chunked"',
        "a list": b"Transfer-Encoding: gzip, chunked",
        "a list the other way": b"Transfer-Encoding: chunked, identity",
        "said twice": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
        "behind a length": b"Content-Length: 21\r\nTransfer-Encoding: chunked",
        "before a length": b"Transfer-Encoding: chunked\r\nContent-Length: 21",
        "a parameter": b"Transfer-Encoding: chunked;q=1",
        "bytes that are no text": b"Transfer-Encoding: chunked\xff",
    }.items()
}
"""Heads that are asked for a length instead, 411."""

CHUNKS: Final = {
    "the end": b"0\r\n\r\n",
    "an extension": b"5;x=y\r\nabcde\r\n0\r\n\r\n",
    "an extension with a bare LF": b"5;\n\r\nabcde\r\n0\r\n\r\n",
    "a size beyond all": b"ffffffffffffffff0\r\nabc\r\n0\r\n\r\n",
    "a negative size": b"-1\r\nabc\r\n0\r\n\r\n",
    "a size with a sign": b"+5\r\nabcde\r\n0\r\n\r\n",
    "a size with a prefix": b"0x5\r\nabcde\r\n0\r\n\r\n",
    "no size": b"\r\nabc\r\n0\r\n\r\n",
    "a bare LF behind the size": b"5\nabcde\r\n0\r\n\r\n",
    "trailers": b"0\r\nHost: b\r\nContent-Length: 5\r\n\r\n",
    "a request": SMUGGLED,
}
"""Bodies behind them: whatever they are, none is read."""

BOUNDS: Final = {
    "a head over 16 KiB": (GET + b"X: " + b"a" * 17_000, 431, "HEADERS_TOO_LARGE"),
    "a head of 101 lines": (GET + b"X: 1\r\n" * 100 + b"\r\n", 431, "HEADERS_TOO_LARGE"),
    "a target over 4 KiB": (
        b"GET /healthz?" + b"a" * 4096 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
        414,
        "URI_TOO_LONG",
    ),
    "a body over 64 KiB": (
        POST + HOST + b"Content-Length: 65537\r\n\r\n",
        413,
        "BODY_TOO_LARGE",
    ),
    "a body over 64 KiB that waits to be asked for": (
        POST + HOST + b"Expect: 100-continue\r\nContent-Length: 65537\r\n\r\n",
        413,
        "BODY_TOO_LARGE",
    ),
    "a body without a length": (POST + HOST + JSON + b"\r\n" + SMUGGLED, 411, "LENGTH_REQUIRED"),
}
"""What is out of bounds: each is refused unread, by the status and the reason beside it."""
