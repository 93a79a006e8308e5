"""Answering a call: one message in, one out or a failure, within one deadline, one line logged.

To the library every method streams its requests: only so is it ours from its first byte, and a
caller who never sends her message is not waited for longer than others. On the wire that is the
same.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeAlias

import grpc
import structlog

from identra import errors
from identra.errors import IdentraError
from identra.grpc import failures
from identra.grpc.call import Call
from identra.grpc.core import Gone

if TYPE_CHECKING:
    from collections.abc import Sequence

    from identra.app import App
    from identra.grpc.call import Context, Entry
    from identra.grpc.services import Deed, Service

WHOLE_CALL: Final = 15.0
"""Seconds from a call's first byte to its answer."""

MOST_CALLS: Final = 4096
"""Calls begun and not answered, in one process: any beyond are told BUSY."""

Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
_NOBODY: Final = "-"
_OK: Final = 200
_QUIET: Final = 0.1
"""Seconds without a call after which nobody calls any more."""


@dataclass(frozen=True, slots=True)
class Method:
    """What a method does; its name is fit for logs."""

    name: str
    deed: Deed


class Answering:
    """The methods of some services, and one refusal for every other."""

    def __init__(
        self, app: App, services: Sequence[Service], *, whole_call: float = WHOLE_CALL
    ) -> None:
        self._app = app
        self._whole_call = whole_call
        self._under_way = 0
        self._leaving = False
        self.last_began: float | None = None
        """When the newest call began, by the loop's clock."""
        self.handlers = {service.name: self._handlers(service) for service in services}
        """What answers each method of each service, by their names in the .proto."""

    async def leave(self, patience: float) -> None:
        """Refuse every call from now on; return once none comes any more, or out of patience.

        What the library finds waiting when it stops it cancels, which tells a caller nothing.
        """
        self._leaving = True
        loop = asyncio.get_running_loop()
        until = loop.time() + patience
        while loop.time() < until and not self._quiet(loop.time()):  # noqa: ASYNC110 - quiet is no event
            await asyncio.sleep(_QUIET / 4)

    def _handlers(self, service: Service) -> dict[str, Handler]:
        made = {
            name: Method(f"/{service.name}/{name}", deed) for name, deed in service.deeds.items()
        }
        return {name: _streaming(partial(self._answer, one)) for name, one in made.items()}

    def _quiet(self, now: float) -> bool:
        return not self._under_way and now - (self.last_began or 0.0) > _QUIET

    async def refuse(self, context: Context) -> None:
        """End a call of a method that there is not."""
        call = Call(_NOBODY, context, self._app.settings)
        await self._refuse(call, context, errors.MethodNotAllowed())

    async def _answer(self, method: Method, _messages: object, context: Context) -> bytes:
        call = Call(method.name, context, self._app.settings)
        self.last_began = asyncio.get_running_loop().time()
        self._under_way += 1
        try:
            with self._app.tracer.serving("gRPC", "POST", call.method, call.trace()) as answered:
                answer = await self._act(method, call, context)
                answered(_OK)
            await context.send_initial_metadata(tuple(call.told().items()))
        except (asyncio.CancelledError, Gone):
            self._log(call).info("caller left")
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told in the one shape
            await self._refuse(call, context, error)
        finally:
            self._under_way -= 1
        self._log(call).info("answered", status=200, code=0)
        self._count(call, 200)
        return answer

    async def _act(self, method: Method, call: Call, context: Context) -> bytes:
        """Read, do, write, all within the deadline."""
        if self._leaving or self._under_way > MOST_CALLS:
            raise errors.Busy("leaving" if self._leaving else "too many calls at once")
        call.judge()
        self._app.calls.take(call.peer())
        deadline = asyncio.timeout(self._whole_call)
        try:
            async with deadline:
                answer = await method.deed(self._app, call, await _read(context))
        except TimeoutError as late:
            if deadline.expired():
                raise errors.RequestTimeout("the call took too long") from late
            raise
        return answer.SerializeToString()

    async def _refuse(self, call: Call, context: Context, error: Exception) -> NoReturn:
        failure = (
            error if isinstance(error, IdentraError) else errors.Internal(type(error).__name__)
        )
        log = self._log(call)
        if isinstance(failure, errors.Internal):
            log.error("failed", exc_info=error)
        log.info(
            "answered",
            status=failure.status,
            code=failure.code,
            reason=failure.reason,
            detail=failure.detail or None,
        )
        self._count(call, failure.status, failure)
        details = failures.details_of(failure, call.request_id)
        beside: tuple[Entry, ...] = (*call.told().items(), (failures.DETAILS, details))
        await context.abort(failures.code_of(failure), failure.says, beside)

    def _count(self, call: Call, status: int, failure: IdentraError | None = None) -> None:
        self._app.meter.answered(
            call.method,
            "gRPC",
            str(status),
            reason=failure.reason if failure else "",
            detail=failure.detail if failure else "",
            seconds=call.milliseconds / 1_000,
        )

    def _log(self, call: Call) -> Any:
        return structlog.get_logger("identra.grpc").bind(
            method="gRPC",
            route=call.method,
            ms=call.milliseconds,
            request_id=call.request_id,
            attempt_id=call.attempt_id,
            peer=call.peer().address,
        )


async def _read(context: Context) -> bytes:
    raw = await context.read()
    if not isinstance(raw, bytes):
        raise errors.InvalidArgument("the call has no message")
    return raw


def _streaming(answer: Any) -> Handler:
    return grpc.stream_unary_rpc_method_handler(answer)
