"""One spelling for each e-mail address."""

from __future__ import annotations

import re

from email_validator import EmailNotValidError, validate_email

from identra.errors import InvalidArgument

LONGEST = 254

_PRINTABLE = re.compile(r"[!-~]+")
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+")


def spell(raw: str, *, field: str = "email") -> str:
    """The one spelling under which an address is stored, compared and mailed.

    Surrounding ASCII spaces go; the local part is unquoted ASCII in lower case, checked on the
    raw input; the domain is its lower-case A-label (RFC 5321, RFC 5891); names
    that never leave a machine (localhost, .test, .local) are refused.
    Raises InvalidArgument naming `field`.
    """
    trimmed = raw.strip(" ")
    local, _, _ = trimmed.rpartition("@")
    if len(trimmed) > LONGEST or not _LOCAL.fullmatch(local):
        raise InvalidArgument.of(field, "is not an e-mail address")
    try:
        read = validate_email(
            trimmed, allow_smtputf8=False, check_deliverability=False, strict=True
        )
    except (EmailNotValidError, UnicodeError) as fault:
        raise InvalidArgument.of(field, "is not an e-mail address") from fault
    spelled = (read.ascii_email or "").lower()
    if not 0 < len(spelled) <= LONGEST:
        raise InvalidArgument.of(field, "is not an e-mail address")
    return spelled


def spell_beginning(raw: str, *, field: str = "prefix") -> str:
    """The one spelling of what an address begins with, as far as that is known.

    A whole address is spelled as one. Raises InvalidArgument naming `field` for what no address
    begins with, and for nothing at all.
    """
    trimmed = raw.strip(" ")
    if not trimmed.isascii() and "@" in trimmed:
        return spell(trimmed, field=field)
    if len(trimmed) > LONGEST or not _PRINTABLE.fullmatch(trimmed):
        raise InvalidArgument.of(field, "is not the beginning of an e-mail address")
    return trimmed.lower()
