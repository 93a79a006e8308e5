"""The Sanic app: made of operations, with the gate before it and one finish behind it."""

from __future__ import annotations

import re
from contextlib import nullcontext
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any, TypeAlias

from sanic import Sanic
from sanic.application.state import ApplicationServerInfo
from sanic.config import Config
from sanic.http.constants import HTTP
from sanic.response import BaseHTTPResponse, HTTPResponse

from identra.deadline import having_waited, one_deadline
from identra.errors import InvalidArgument
from identra.http.admin import let_in
from identra.http.answered import Answered
from identra.http.body import read_body, read_form, read_query
from identra.http.call import Call, peer, trace
from identra.http.canned import Canned
from identra.http.cors import headers_for
from identra.http.errors import Failures
from identra.http.gate import Bounds, raise_gate
from identra.http.operation import EVERYWHERE, NO_STORE, Answer, Operation, reply
from identra.http.overflow import Overflow
from identra.http.routes import APART, PREFIXES, public_operations
from identra.standing import fields_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from identra.app import App
    from identra.settings import Cors

Door: TypeAlias = Sanic[Any, Any]

_PROBES = frozenset({"/healthz", "/readyz", "/api/healthz", "/api/readyz"})
_OFTEN = _PROBES | {"/.well-known/jwks.json", "/api/.well-known/jwks.json"}
"""Asked for by machines, again and again: a good answer has no line in the log."""


def make(app: App, bounds: Bounds, *, apart: bool = False) -> Door:
    """The REST door of an opened hall, ready to be served. Its name is free again on `close`.

    `apart` is the door of operators alone: no other origin's page reads what it answers.
    """
    door: Door = Sanic(
        f"identra-{id(app):x}{'-apart' if apart else ''}",
        config=Config(env_prefix=""),
        error_handler=Failures(),
        request_class=Call,
        strict_slashes=True,
        configure_logging=False,
    )
    door.config.update(
        ACCESS_LOG=False, AUTO_EXTEND=False, MOTD=False, FALLBACK_ERROR_FORMAT="json"
    )
    door.ctx.hall, door.ctx.draining = app, False
    raise_gate(door, app, bounds)
    # A trace has every answer in it.
    door.ctx.canned = () if app.tracer.on or apart else (Canned(app), Overflow(app))
    door.ctx.url = None if apart else app.settings.public_url
    door.ctx.cors = None if apart else app.settings.cors
    public = partial(public_operations, app.settings, app.providers, dev=app.dev)
    door.ctx.operations = APART if apart else public()
    _add_all(door, app, door.ctx.operations, PREFIXES[:1] if apart else PREFIXES)
    # Told one version of HTTP, Sanic leaves out its empty Alt-Svc.
    door.state.server_info.append(ApplicationServerInfo({"version": HTTP.VERSION_1}))
    door.register_middleware(_finish, "response")
    return door


def begin(door: Door) -> None:
    """Make it ready to start, at once.

    Sanic rewrites its own methods once a process, for the signals that are listened to; every door
    listens to the same, and several may start.
    """
    door.config.TOUCHUP = not getattr(Sanic, "__touched__", False)


def close(door: Door) -> None:
    """Let the door's name be used again."""
    Sanic.unregister_app(door)


def _add_all(
    door: Door, app: App, operations: tuple[Operation, ...], prefixes: tuple[str, ...]
) -> None:
    for prefix in prefixes:
        here = tuple(one for one in operations if not (prefix and one.clears))
        for operation in here:
            _add(door, app, operation, prefix)
        for path in {operation.path for operation in here}:
            _add_options(door, here, path, prefix)


def _add(door: Door, app: App, operation: Operation, prefix: str) -> None:
    path = prefix + operation.path
    door.add_route(
        _handler(app, operation),
        _pattern(path),
        methods=operation.methods,
        name=_name(operation.method, path),
        error_format="json",
        ctx_bearer=operation.bearer,
        ctx_caching=operation.caching,
        ctx_apart=operation.clears is not None,
    )


def _handler(app: App, operation: Operation) -> Callable[[Call], Coroutine[Any, Any, HTTPResponse]]:
    act = _acting(app, operation)

    async def handle(call: Call, **_: str) -> HTTPResponse:
        if operation.counted:
            app.calls.take(peer(call, app.settings))
        with having_waited(call.waited) if call.waited else nullcontext():
            answer = await act(call)
        return answer if isinstance(answer, HTTPResponse) else reply(answer)

    async def handle_traced(call: Call, **_: str) -> HTTPResponse:
        said = trace(call, app.settings)
        with app.tracer.serving("REST", operation.method, operation.path, said) as answered:
            response = await handle(call)
            answered(response.status)
            return response

    return handle_traced if app.tracer.on and operation.path not in _PROBES else handle


def _acting(app: App, operation: Operation) -> Callable[[Call], Awaitable[Answer]]:
    """What is done for a call. Clearing and acting are one call's time; else a use case has it."""
    clears = operation.clears
    if clears is None:
        return lambda call: operation.act(app, call, _read(operation, call))

    @one_deadline
    async def clear_and_act(call: Call) -> Answer:
        await let_in(app, call, clears)
        return await operation.act(app, call, _read(operation, call))

    return clear_and_act


def _read(operation: Operation, call: Call) -> Any:
    if operation.has_body:
        read = read_form if operation.form else read_body
        return read(operation.takes, call.body, call.headers.get("content-type"))
    if operation.method == "DELETE" and call.body:
        # What was said there and not heeded might be what was not to be deleted.
        raise InvalidArgument("a DELETE has no body")
    return read_query(operation.takes, call.query_string)


def _add_options(door: Door, operations: tuple[Operation, ...], path: str, prefix: str) -> None:
    methods = [m for o in operations if o.path == path for m in o.methods]

    async def options(call: Call, **_: str) -> HTTPResponse:
        allow = {"Allow": ", ".join([*methods, "OPTIONS"])}
        asked = call.headers.get("access-control-request-method")
        if asked is not None:
            cors, origin = _cors(call), call.headers.get("origin")
            allow |= headers_for(cors, origin, preflight_of=asked, methods=methods)
        return HTTPResponse(status=204, headers=allow)

    full = prefix + path
    name = _name("OPTIONS", full)
    door.add_route(
        options,
        _pattern(full),
        methods=["OPTIONS"],
        name=name,
        error_format="json",
        ctx_apart=any(one.clears for one in operations if one.path == path),
    )


def app_of(call: Call) -> App:
    """The hall behind the door that a call came through."""
    hall: App = call.app.ctx.hall
    return hall


def _cors(call: Call) -> Cors | None:
    """What other origins' pages may read of the answer to a call, if anything."""
    if call.route and getattr(call.route.ctx, "apart", False):
        return None
    cors: Cors | None = call.app.ctx.cors
    return cors


def _name(method: str, path: str) -> str:
    return re.sub(r"\W", "-", f"{method}{path}")


def _pattern(path: str) -> str:
    """The path as Sanic's router reads it."""
    return path.replace("{", "<").replace("}", ":str>")


async def _finish(call: Call, response: BaseHTTPResponse) -> None:
    """Give an answer the headers of every answer, and write its line in the log."""
    headers = response.headers
    for name, value in EVERYWHERE.items():
        headers.setdefault(name, value)
    caching = getattr(call.route.ctx, "caching", NO_STORE) if call.route else NO_STORE
    good = response.status < 400  # noqa: PLR2004 - where errors begin (RFC 9110, 15.5)
    headers.setdefault("Cache-Control", caching if good else NO_STORE)
    headers["X-Request-ID"], headers["X-Attempt-ID"] = call.request_id, call.attempt_id
    if call.end and call.end.standings:
        headers.update(fields_of(call.end.standings.values()))
    if "access-control-allow-origin" not in headers:
        headers.update(headers_for(_cors(call), call.headers.get("origin")))
    answered, often = _answered(call, response.status), call.template in _OFTEN
    if (meter := app_of(call).meter).on:
        answered.count(meter)
    if not (often and good):
        answered.log(peer(call, app_of(call).settings))


def _answered(call: Call, status: int) -> Answered:
    return Answered(
        method=call.method if call.route else "-",
        route=call.template,
        status=0 if call.transport.is_closing() else status,
        seconds=perf_counter() - call.began,
        reason=call.reason,
        detail=call.detail,
    )
