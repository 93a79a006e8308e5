"""How a failure is answered: one shape, whatever failed and wherever."""

from __future__ import annotations

import traceback
from asyncio import CancelledError
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import structlog
from sanic import exceptions as theirs
from sanic.handlers import ErrorHandler
from sanic.response import HTTPResponse

from identra import errors as ours
from identra.errors import IdentraError
from identra.http.models import Failure, FieldError

if TYPE_CHECKING:
    from identra.http.call import Call

BearerUse: TypeAlias = Literal["none", "optional", "required"]
"""Whether a route reads an access token, and whether it needs one."""

_UNAUTHENTICATED = 401
_OF_THEIRS: tuple[tuple[type[BaseException], type[IdentraError]], ...] = (
    (theirs.NotFound, ours.NotFound),
    (theirs.MethodNotAllowed, ours.MethodNotAllowed),
    (theirs.RequestTimeout, ours.RequestTimeout),
    # The gate has refused every body that is too large; what Sanic still finds is the head.
    (theirs.PayloadTooLarge, ours.HeadersTooLarge),
    (theirs.URITooLong, ours.UriTooLong),
    (theirs.ServiceUnavailable, ours.Busy),
    (theirs.BadRequest, ours.InvalidArgument),
    (theirs.ExpectationFailed, ours.InvalidArgument),
    (CancelledError, ours.Busy),
)


class Failures(ErrorHandler):
    """Sanic's place for answers to exceptions."""

    def response(self, request: Call, exception: BaseException) -> HTTPResponse:
        """Answer any exception in the one shape; what nobody named is logged as INTERNAL."""
        failure = failure_of(exception)
        if isinstance(failure, ours.Internal):
            structlog.get_logger("identra.http").error(
                "failed", attempt_id=request.attempt_id, fault=told(exception)
            )
        request.reason, request.detail = failure.reason, failure.detail
        allow = getattr(exception, "headers", {}).get("Allow")
        use: BearerUse = getattr(request.route.ctx, "bearer", "none") if request.route else "none"
        return render(failure, request.request_id, bearer=use, allow=allow)


def failure_of(exception: BaseException) -> IdentraError:
    """The failure of ours that an exception amounts to."""
    if isinstance(exception, IdentraError):
        return exception
    if isinstance(exception, theirs.BadRequest) and isinstance(exception.__context__, IdentraError):
        return exception.__context__  # what the gate said; Sanic wraps it
    for their_kind, our_kind in _OF_THEIRS:
        if isinstance(exception, their_kind):
            return our_kind(type(exception).__name__)
    return ours.Internal(type(exception).__name__)


def render(
    failure: IdentraError, request_id: str, *, bearer: BearerUse = "none", allow: str | None = None
) -> HTTPResponse:
    """The answer to a failure: its shape, and the headers that its status asks for."""
    headers: dict[str, Any] = {} if allow is None else {"Allow": allow}
    headers |= asked_for(failure)
    if failure.status == _UNAUTHENTICATED and bearer != "none":
        headers["WWW-Authenticate"] = challenge(failure)
    if isinstance(failure, ours.InvalidClient):
        headers["WWW-Authenticate"] = 'Basic realm="introspection"'
    shape = shape_of(failure, request_id)
    return HTTPResponse(shape, failure.status, headers, content_type="application/json")


def shape_of(failure: IdentraError, request_id: str) -> str:
    """The one shape of a failure, as JSON."""
    return Failure(
        code=failure.code,
        reason=failure.reason,
        message=failure.says,
        details=[FieldError(field=f.field, message=f.says) for f in failure.faults],
        request_id=request_id,
    ).model_dump_json()


def asked_for(failure: IdentraError) -> dict[str, str]:
    """When to come again, where a failure says so."""
    return {} if failure.wait is None else {"Retry-After": str(failure.wait)}


def challenge(failure: IdentraError) -> str:
    """The WWW-Authenticate value of a 401 (RFC 6750, 3; RFC 9470, 3)."""
    if not failure.challenge:
        return "Bearer"
    said = f'Bearer error="{failure.challenge}", error_description="{failure.says}"'
    return f'{said}, max_age="{failure.max_age}"' if failure.max_age else said


def told(exception: BaseException) -> list[str]:
    """What raised and where, innermost last, without a message or a value: those may be secret."""
    lines = [
        f"{frame.filename}:{frame.lineno} {frame.name}"
        for frame in traceback.extract_tb(exception.__traceback__)
    ]
    cause = exception.__cause__ or exception.__context__
    before = told(cause) if cause is not None else []
    return [*before, *lines, type(exception).__qualname__]
