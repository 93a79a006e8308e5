"""Every failure, ours or Sanic's or nobody's, is answered in the one shape."""

from __future__ import annotations

import json
from asyncio import CancelledError

import pytest
from sanic import exceptions as theirs

from identra import errors
from identra.http.errors import failure_of, render, told


@pytest.mark.parametrize("error", errors.every_error(), ids=lambda error: error.reason)
def test_each_error_is_rendered_by_its_own_table(error: type[errors.IdentraError]) -> None:
    answer = render(error("private"), "id", bearer="required")
    assert answer.body is not None
    said = json.loads(answer.body)
    assert answer.status == error.status
    assert (said["code"], said["reason"], said["message"]) == (error.code, error.reason, error.says)
    assert "private" not in answer.body.decode()
    assert ("Retry-After" in answer.headers) is (error.code in {8, 14})
    assert ("WWW-Authenticate" in answer.headers) is (error.status == 401)


def test_the_wait_is_what_the_error_says() -> None:
    assert render(errors.RateLimited(retry_after=61), "id").headers["Retry-After"] == "61"
    assert int(render(errors.RateLimited(retry_after=0), "id").headers["Retry-After"]) >= 1


@pytest.mark.parametrize(
    ("exception", "reason"),
    [
        (theirs.NotFound("x"), "NOT_FOUND"),
        (theirs.FileNotFound("x"), "NOT_FOUND"),
        (theirs.MethodNotAllowed("x", "GET", ["POST"]), "METHOD_NOT_ALLOWED"),
        (theirs.RequestTimeout("x"), "REQUEST_TIMEOUT"),
        (theirs.PayloadTooLarge("x"), "HEADERS_TOO_LARGE"),
        (theirs.BadRequest("x"), "INVALID_ARGUMENT"),
        (theirs.ServiceUnavailable("x"), "BUSY"),
        (theirs.ServerError("x"), "INTERNAL"),
        (CancelledError(), "BUSY"),
        (KeyError("secret"), "INTERNAL"),
    ],
)
def test_what_sanic_raises_becomes_a_failure_of_ours(exception: BaseException, reason: str) -> None:
    assert failure_of(exception).reason == reason


def test_what_the_gate_said_is_found_behind_sanics_bad_request() -> None:
    wrapped = theirs.BadRequest("Bad Request")
    wrapped.__context__ = errors.LengthRequired()
    assert failure_of(wrapped).reason == "LENGTH_REQUIRED"


def test_a_fault_is_told_without_its_values() -> None:
    with pytest.raises(RuntimeError) as raised:
        _fall("s3cret")
    lines = told(raised.value)
    assert "KeyError" in lines
    assert lines[-1] == "RuntimeError"
    assert "s3cret" not in "".join(lines)


def _fall(secret: str) -> None:
    try:
        {}[secret]
    except KeyError as cause:
        raise RuntimeError(secret) from cause
