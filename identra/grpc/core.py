"""The library's server, without the one call that ends it.

grpc.aio reads the name of a method that is not registered as UTF-8 within the loop that takes
calls in; a name that is none raises there, and the whole server shuts down. So our methods are
registered, and a call of any other is refused here, its name unread.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import grpc.aio
from grpc._cython import cygrpc  # type: ignore[attr-defined]  # as is the class below

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from identra.grpc.call import Context

    Refuse = Callable[[Context], Awaitable[object]]


Gone: Final[type[Exception]] = cygrpc.ExecuteBatchError
"""Raised where something can't be sent, for there is nobody any more who would hear it."""


def make_server(options: tuple[tuple[str, int], ...], refuse: Refuse) -> grpc.aio.Server:
    """A server of registered methods; `refuse` ends a call of any other by aborting it."""
    server: Any = grpc.aio.server()
    server._server = _Core(options, refuse)  # noqa: SLF001 - see above: there is no other way in
    made: grpc.aio.Server = server
    return made


class _Core(cygrpc.AioServer):  # type: ignore[misc]  # compiled, and without types
    def __init__(self, options: tuple[tuple[str, int], ...], refuse: Refuse) -> None:
        super().__init__(asyncio.get_running_loop(), None, (), (), options, None)
        self._refuse = refuse
        self._refusing: set[asyncio.Task[None]] = set()

    async def _request_call(self) -> Any:
        """Take in calls of methods that are not registered, and hand none of them on."""
        while True:
            state = await super()._request_call()
            task = asyncio.create_task(self._end(state))
            self._refusing.add(task)
            task.add_done_callback(self._refusing.discard)

    async def _end(self, state: Any) -> None:
        context = cygrpc._ServicerContext(  # noqa: SLF001 - as above
            state, None, None, asyncio.get_running_loop()
        )
        # The caller may have gone already.
        with suppress(grpc.aio.AbortError, Gone):
            await self._refuse(context)
