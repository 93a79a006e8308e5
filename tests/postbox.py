"""A real SMTP server on loopback that keeps what it is given."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.policy import default
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Literal

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Iterator
    from email.message import EmailMessage

    from aiosmtpd.smtp import Envelope, Session

TLS = Literal["none", "starttls", "implicit"]
PATIENCE = 30


@dataclass(frozen=True)
class Received:
    """One letter as it came: the envelope, the bytes, and how the connection stood."""

    sender: str
    recipients: tuple[str, ...]
    raw: bytes
    encrypted: bool
    login: str | None
    mail: EmailMessage

    @property
    def text(self) -> str:
        body = self.mail.get_body(("plain",))
        return body.get_content() if body else ""

    @property
    def html(self) -> str | None:
        body = self.mail.get_body(("html",))
        return body.get_content() if body else None


@dataclass
class Postbox:
    """`answers` are given to the next letters instead of taking them; `slowness` is seconds.

    With `login`, a user name and password, nothing is taken before they were given. One that does
    not `relays` refuses every recipient.
    """

    login: tuple[str, str] | None = None
    answers: deque[str] = field(default_factory=deque)
    slowness: float = 0
    relays: bool = True
    received: list[Received] = field(default_factory=list)
    connections: int = 0
    attempts: int = 0
    logins: list[tuple[str, bool]] = field(default_factory=list)
    port: int = 0
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)

    def to(self, address: str) -> list[Received]:
        return [letter for letter in self.received if address in letter.recipients]

    async def wait_for(self, address: str, *, count: int = 1, seconds: float = 10) -> Received:
        """The `count`-th letter to the address, or TimeoutError."""
        async with asyncio.timeout(seconds), self._news:
            await self._news.wait_for(lambda: len(self.to(address)) >= count)
        return self.to(address)[count - 1]

    async def wait_until_tried(self, attempts: int, *, seconds: float = 10) -> None:
        """Until that many letters were offered, whether taken or not."""
        async with asyncio.timeout(seconds), self._news:
            await self._news.wait_for(lambda: self.attempts >= attempts)

    def judge_login(
        self, server: SMTP, session: Session, _envelope: Envelope, _way: str, given: Any
    ) -> AuthResult:
        assert isinstance(given, LoginPassword)
        user = given.login.decode()
        right = (user, given.password.decode()) == self.login
        self.logins.append((user, session.ssl is not None or _over_tls(server)))
        return AuthResult(success=right, handled=False, auth_data=user)

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if self.login is not None and not session.authenticated:
            return "530 5.7.0 Authentication required"
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _more: list[str]
    ) -> str:
        if not self.relays:
            return "550 5.7.1 Relaying denied"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        await asyncio.sleep(self.slowness)
        answer = self.answers.popleft() if self.answers else None
        async with self._news:
            self.attempts += 1
            if answer is None:
                self.received.append(_received(server, session, envelope))
            self._news.notify_all()
        return answer or "250 OK"


@asynccontextmanager
async def open_postbox(
    tls: TLS = "none",
    *,
    context: ssl.SSLContext | None = None,
    login: tuple[str, str] | None = None,
    port: int = 0,
) -> AsyncIterator[Postbox]:
    """A server on 127.0.0.1 in this event loop; `tls` other than "none" needs the `context`."""
    box, lines = Postbox(login=login), set[SMTP]()

    def answer_call() -> SMTP:
        box.connections += 1
        line = SMTP(
            box,
            hostname="localhost",
            tls_context=context if tls == "starttls" else None,
            require_starttls=tls == "starttls",
            auth_require_tls=tls == "starttls",
            authenticator=box.judge_login,
            loop=asyncio.get_running_loop(),
        )
        lines.add(line)
        return line

    server = await asyncio.get_running_loop().create_server(
        answer_call, "127.0.0.1", port, ssl=context if tls == "implicit" else None
    )
    box.port = server.sockets[0].getsockname()[1]
    try:
        yield box
    finally:
        server.close()
        await _hang_up(lines)


@dataclass(frozen=True)
class PostOffice:
    """A postbox in a thread of its own, for a test without a loop."""

    box: Postbox
    loop: asyncio.AbstractEventLoop

    def wait_for(self, address: str, *, count: int = 1) -> Received:
        """The `count`-th letter to the address, or TimeoutError."""
        waiting = self.box.wait_for(address, count=count)
        return asyncio.run_coroutine_threadsafe(waiting, self.loop).result()


@contextmanager
def open_post_office() -> Iterator[PostOffice]:
    """The same as `open_postbox`, beside the test."""
    opened: SimpleQueue[PostOffice] = SimpleQueue()
    closing = asyncio.Event()

    async def keep_open() -> None:
        async with open_postbox() as box:
            opened.put(PostOffice(box, asyncio.get_running_loop()))
            await closing.wait()

    keeping = threading.Thread(target=lambda: asyncio.run(keep_open()), name="post office")
    keeping.start()
    office = opened.get(timeout=PATIENCE)
    try:
        yield office
    finally:
        office.loop.call_soon_threadsafe(closing.set)
        keeping.join()


async def _hang_up(lines: set[SMTP]) -> None:
    talks = [line._handler_coroutine for line in lines if line._handler_coroutine]
    for line in lines:
        if line.transport is not None:
            line.transport.close()
    for talk in talks:
        talk.cancel()
    await asyncio.gather(*talks, return_exceptions=True)


def _over_tls(server: SMTP) -> bool:
    return bool(server.transport and server.transport.get_extra_info("sslcontext"))


def _received(server: SMTP, session: Session, envelope: Envelope) -> Received:
    raw = envelope.original_content or b""
    return Received(
        sender=envelope.mail_from or "",
        recipients=tuple(envelope.rcpt_tos),
        raw=raw,
        encrypted=_over_tls(server),
        login=session.auth_data if session.authenticated else None,
        mail=message_from_bytes(raw, policy=default),
    )
