"""TLS towards a database, by PostgreSQL's words for it, with the same meaning on every driver."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from identra.errors import OperatorError

if TYPE_CHECKING:
    from identra.settings import Persistence


def verifying(settings: Persistence) -> ssl.SSLContext | None:
    """A context for `verify-ca` and `verify-full`, and None for the words that verify nothing.

    It trusts the authorities in `sslrootcert`, else the system's. Raises OperatorError.
    """
    if not settings.sslmode.startswith("verify-"):
        return None
    file = settings.sslrootcert
    try:
        context = ssl.create_default_context(cafile=file and str(file))
    except OSError as error:  # an SSLError too, for what is no certificate
        raise OperatorError(f"persistence.sslrootcert: {file}: {error.strerror}") from error
    context.check_hostname = settings.sslmode == "verify-full"
    return context


def attempts(settings: Persistence) -> tuple[ssl.SSLContext | None, ...]:
    """How to connect, in order; None is without TLS."""
    if context := verifying(settings):
        return (context,)
    return {
        "disable": (None,),
        "allow": (None, _encrypting()),
        "prefer": (_encrypting(), None),
        "require": (_encrypting(),),
    }[settings.sslmode]


def _encrypting() -> ssl.SSLContext:
    """Keeps out those who listen, not those who stand between."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
