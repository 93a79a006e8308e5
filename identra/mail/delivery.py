"""One conversation with the mail server: connect, perhaps log in, hand a letter over, part."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aiosmtplib import SMTP, SMTPException, SMTPRecipientsRefused, SMTPResponseException

from identra.mail.envelope import domain_of

if TYPE_CHECKING:
    from identra.settings.sections import SmtpMailer as SmtpSettings

PARTING_LIMIT: Final = 1.0
TEMPORARY: Final = range(400, 500)
"""Replies that may turn out otherwise later (RFC 5321, 4.2.1)."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds: to connect, for one whole delivery, and before each further try."""

    connect: float = 5.0
    whole: float = 30.0
    pauses: tuple[float, ...] = (1.0, 5.0, 20.0)


@dataclass(frozen=True, slots=True)
class Parcel:
    """A letter as bytes, with its envelope recipient; `name` stands for it in logs."""

    to: str
    raw: bytes
    name: str


class Undelivered(Exception):
    """A letter the server did not take: `again` says whether trying later may help.

    `cause` never holds an address or the server's own words, which may repeat one.
    """

    def __init__(self, cause: str, *, again: bool) -> None:
        super().__init__(cause)
        self.cause = cause
        self.again = again


class Delivery:
    """Hands letters to the server, one connection each.

    With "starttls" and "implicit" the server's certificate is verified by the system's store
    and must name the host. Raises OperatorError for a login without TLS to another machine.
    """

    def __init__(self, settings: SmtpSettings, limits: Limits) -> None:
        self._settings = settings
        self._limits = limits
        self._tls = None if settings.tls == "none" else ssl.create_default_context()

    async def deliver(self, parcel: Parcel) -> None:
        """Return when the server took the letter; else raise Undelivered, within the limit."""
        server = self._server()
        try:
            async with asyncio.timeout(self._limits.whole):
                await server.connect(timeout=self._limits.connect)
                await server.sendmail(self._settings.sender, [parcel.to], parcel.raw)
            await _part(server)
        except (SMTPException, OSError, ValueError) as fault:
            raise _undelivered(fault) from fault
        finally:
            server.close()

    def _server(self) -> SMTP:
        said = self._settings
        return SMTP(
            hostname=said.host,
            port=said.port,
            username=said.username,
            password=said.password.get_secret_value() if said.password else None,
            # The sender's domain, since asking the resolver for our own name can hang.
            local_hostname=domain_of(said.sender),
            timeout=self._limits.whole,
            use_tls=said.tls == "implicit",
            start_tls=said.tls == "starttls",
            tls_context=self._tls,
        )


async def _part(server: SMTP) -> None:
    # The letter is theirs already: a failed goodbye must not send it twice.
    with contextlib.suppress(SMTPException, OSError):
        await server.quit(timeout=PARTING_LIMIT)


def _undelivered(fault: Exception) -> Undelivered:
    if _by_certificate(fault):
        return Undelivered("certificate", again=False)
    status = _status(fault)
    if status is not None:
        return Undelivered(f"{type(fault).__name__} {status}", again=status in TEMPORARY)
    return Undelivered(type(fault).__name__, again=isinstance(fault, OSError))


def _by_certificate(fault: BaseException | None) -> bool:
    while fault is not None:
        if isinstance(fault, ssl.SSLCertVerificationError):
            return True
        fault = fault.__cause__
    return False


def _status(fault: Exception) -> int | None:
    if isinstance(fault, SMTPRecipientsRefused):
        return fault.recipients[0].code
    return fault.code if isinstance(fault, SMTPResponseException) else None
