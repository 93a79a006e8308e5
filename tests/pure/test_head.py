"""A head that is not strictly RFC 9112 is refused before anybody else reads it."""

from __future__ import annotations

import ast
import traceback
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from smuggling import BOUNDS, ENCODINGS, HEADS

from identra import errors
from identra.http.gate import head as gate
from identra.http.gate.head import judge

GOOD = b"POST /token/refresh HTTP/1.1\r\nHost: a\r\nContent-Length: 2"


@pytest.mark.parametrize(
    "head",
    [
        GOOD,
        b"GET / HTTP/1.1\r\nHost: [::1]:8080",
        b"GET /x?y=%20 HTTP/1.1\r\nhost:a.example:80\r\nX: \xe9\t b ",
        b"OPTIONS * HTTP/1.1\r\nHost: a",
        b"GET http://a/x HTTP/1.1\r\nHost: A",
        b"GET /healthz HTTP/1.0",
        b"GET /readyz?x HTTP/1.0",
        b"GET /oauth/providers HTTP/1.0\r\nHost: a",
    ],
)
def test_a_strict_head_passes(head: bytes) -> None:
    judge(head)


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"GET / HTTP/1.1",
        b"GET /oauth/providers HTTP/1.0",
        b"GET /healthz HTTP/1.1",
        b"GET  / HTTP/1.1\r\nHost: a",
        b"GET / HTTP/2.0\r\nHost: a",
        b"GET / http/1.1\r\nHost: a",
        b"GET x HTTP/1.1\r\nHost: a",
        b"GET * HTTP/1.1\r\nHost: a",
        b"GET /#f HTTP/1.1\r\nHost: a",
        b"G(T / HTTP/1.1\r\nHost: a",
        b"GET /\x7f HTTP/1.1\r\nHost: a",
        b"GET /\xc3\xa9 HTTP/1.1\r\nHost: a",
        b"GET http://b/ HTTP/1.1\r\nHost: a",
        b"GET http://u@a/ HTTP/1.1\r\nHost: a",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: a",
        b"GET / HTTP/1.1\r\nHost: a, b",
        b"GET / HTTP/1.1\r\nHost:",
        b"GET / HTTP/1.1\r\nHost: a/b",
        b"GET / HTTP/1.1\r\nHost: u@a",
        b"GET / HTTP/1.1\r\nHost : a",
        b"GET / HTTP/1.1\r\n Host: a",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n folded",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: 1\nY: 2",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: 1\rY: 2",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: \x00",
        b"GET / HTTP/1.1\r\nHost: a\r\n: x",
        b"GET / HTTP/1.1\r\nHost: a\r\nX",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +2",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x2",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1_0",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2, 2",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \xd9\xa2",
        GOOD + b"\r\nContent-Length: 2",
        GOOD + b"\r\nAuthorization: Bearer a\r\nauthorization: Bearer b",
        GOOD + b"\r\nExpect: 200-maybe",
    ],
)
def test_a_head_with_two_readings_is_refused(head: bytes) -> None:
    with pytest.raises(errors.InvalidArgument):
        judge(head)


@pytest.mark.parametrize(
    ("head", "error"),
    [
        (GOOD + b"\r\nTransfer-Encoding: chunked", errors.LengthRequired),
        (GOOD + b"\r\ntransfer-encoding: identity", errors.LengthRequired),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/json", errors.LengthRequired),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 65537", errors.BodyTooLarge),
        (b"GET /" + b"a" * 4096 + b" HTTP/1.1\r\nHost: a", errors.UriTooLong),
        (GOOD + b"\r\nX: " + b"a" * 16_384, errors.HeadersTooLarge),
    ],
)
def test_what_is_out_of_bounds_has_its_own_answer(
    head: bytes, error: type[errors.IdentraError]
) -> None:
    with pytest.raises(error):
        judge(head)


@pytest.mark.parametrize("host", [b"localhost:8080", b"127.0.0.1", b"127.9.9.9:1", b"[::1]:80"])
def test_development_answers_to_local_names(host: bytes) -> None:
    judge(b"GET / HTTP/1.1\r\nHost: " + host, local_only=True)


@pytest.mark.parametrize("host", [b"evil.example", b"localhost.evil.example", b"10.0.0.1", b"0"])
def test_development_answers_to_no_other_name(host: bytes) -> None:
    """A web page that points its own name at 127.0.0.1 reaches nothing."""
    with pytest.raises(errors.InvalidArgument):
        judge(b"GET / HTTP/1.1\r\nHost: " + host, local_only=True)


@given(st.binary(max_size=200))
def test_whatever_arrives_passes_or_has_a_named_error(noise: bytes) -> None:
    try:
        judge(GOOD + b"\r\n" + noise)
    except errors.IdentraError:
        return
    assert b"\0" not in noise
    assert all(line.endswith(b"\r") for line in noise.split(b"\n")[:-1])


def _rule(head: bytes) -> int:
    """The line of the rule that refuses a head; 0 where none does."""
    try:
        judge(head)
    except errors.IdentraError as refused:
        return traceback.extract_tb(refused.__traceback__)[-1].lineno or 0
    return 0


def test_every_rule_has_a_case_that_is_sent_to_a_real_socket() -> None:
    """But for development's own, which only a service that is served so keeps to."""
    source = ast.parse(Path(gate.__file__).read_text(encoding="utf-8"))
    rules = {node.lineno: node for node in ast.walk(source) if isinstance(node, ast.Raise)}
    sent = [*HEADS.values(), *ENCODINGS.values(), *(said for said, _, _ in BOUNDS.values())]
    met = {_rule(said.partition(b"\r\n\r\n")[0]) for said in sent}
    left = [ast.unparse(node) for line, node in rules.items() if line not in met]
    assert len(left) == 1
    assert "development" in left[0]
