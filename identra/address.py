"""One spelling for each e-mail address."""

from __future__ import annotations

import re

import idna

from identra.errors import InvalidArgument

LONGEST = 254
LONGEST_LOCAL = 64

_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_NUMERIC = re.compile(r"[0-9]+")


def spell(raw: str, *, field: str = "email") -> str:
    """The one spelling under which an address is stored, compared and mailed.

    Surrounding ASCII spaces go; the local part is dot-atom ASCII in lower case (RFC 5321, 4.1.2,
    without quoted strings), the domain its lower-case A-label (IDNA 2008, UTS 46), with at least
    two labels. Raises InvalidArgument naming `field`.
    """
    local, at, domain = raw.strip(" ").rpartition("@")
    if not at or len(local) > LONGEST_LOCAL or not _LOCAL.fullmatch(local):
        raise InvalidArgument.of(field, "is not an e-mail address")
    spelled = f"{local.lower()}@{_domain(domain, field)}"
    if len(spelled) > LONGEST:
        raise InvalidArgument.of(field, "is not an e-mail address")
    return spelled


def _domain(raw: str, field: str) -> str:
    try:
        ascii_form = idna.encode(raw, uts46=True, std3_rules=True).decode().lower()
    except (idna.IDNAError, UnicodeError) as fault:
        raise InvalidArgument.of(field, "is not an e-mail address") from fault
    labels = ascii_form.split(".")
    if len(labels) < 2 or _NUMERIC.fullmatch(labels[-1]):  # noqa: PLR2004 - host and its domain
        raise InvalidArgument.of(field, "is not an e-mail address")
    if not all(_LABEL.fullmatch(label) for label in labels):
        raise InvalidArgument.of(field, "is not an e-mail address")
    return ascii_form
