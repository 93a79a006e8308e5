"""A conversation with the mail server, step by step, to tell an operator how far it goes."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from aiosmtplib import SMTP, SMTPException, SMTPResponseException

from identra.mail.envelope import compose, domain_of
from identra.secret import token

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from identra.settings.sections import SmtpMailer as SmtpSettings
    from identra.values import Message

Turn: TypeAlias = Literal["connect", "encrypt", "login", "sender", "recipient", "letter"]

PATIENCE: Final = 10.0
"""Seconds for each turn."""


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """The turns that went well, and the one that did not, with its cause, if there was one.

    The server's own words are told but for the login's, which might repeat what it was sent.
    """

    went: tuple[Turn, ...]
    failed: Turn | None = None
    cause: str = ""
    by_certificate: bool = False


async def rehearse(settings: SmtpSettings, letter: Message | None, *, at: int) -> Rehearsed:
    """Talk to the server of the settings; with a letter, send it (`at` is its date)."""
    server = _server(settings)
    went: list[Turn] = []
    turns = _turns(server, settings, letter, at)
    turn: Turn = "connect"
    try:
        async with asyncio.timeout(PATIENCE * 6):
            async for turn in turns:
                went.append(turn)  # noqa: PERF401 - kept also where the next turn fails
    except (SMTPException, OSError, ValueError) as fault:
        failed = _next(settings, went)
        return Rehearsed(tuple(went), failed, _cause(failed, fault), _by_certificate(fault))
    finally:
        server.close()
    return Rehearsed(tuple(went))


async def _turns(
    server: SMTP, settings: SmtpSettings, letter: Message | None, at: int
) -> AsyncIterator[Turn]:
    await server.connect()
    await server.ehlo()
    yield "connect"
    if settings.tls == "starttls":
        await server.starttls(server_hostname=settings.host)
        await server.ehlo()
        yield "encrypt"
    if settings.username and settings.password:
        await server.login(settings.username, settings.password.get_secret_value())
        yield "login"
    await server.mail(settings.sender)
    yield "sender"
    if letter is None:
        await server.rset()
    else:
        mail = compose(letter, sender=settings.sender, at=at, name=token(16))
        await server.rcpt(letter.to)
        yield "recipient"
        await server.data(mail.as_bytes())
        yield "letter"
    await server.quit()


def _next(settings: SmtpSettings, went: list[Turn]) -> Turn:
    """The turn that comes after those that went well."""
    order: tuple[Turn, ...] = (
        "connect",
        *(("encrypt",) if settings.tls == "starttls" else ()),
        *(("login",) if settings.username else ()),
        *("sender", "recipient", "letter"),
    )
    return order[min(len(went), len(order) - 1)]


def _server(settings: SmtpSettings) -> SMTP:
    return SMTP(
        hostname=settings.host,
        port=settings.port,
        local_hostname=domain_of(settings.sender),
        timeout=PATIENCE,
        use_tls=settings.tls == "implicit",
        start_tls=False,
        tls_context=None if settings.tls == "none" else ssl.create_default_context(),
    )


def _cause(failed: Turn, fault: Exception) -> str:
    if isinstance(fault, SMTPResponseException):
        return f"{fault.code}" if failed == "login" else f"{fault.code} {fault.message}"
    if isinstance(fault, TimeoutError):
        return "no answer came in time"
    told = fault.__cause__ or fault
    return type(fault).__name__ if failed == "login" else f"{type(told).__name__}: {told}"


def _by_certificate(fault: BaseException | None) -> bool:
    while fault is not None:
        if isinstance(fault, ssl.SSLCertVerificationError):
            return True
        fault = fault.__cause__
    return False
