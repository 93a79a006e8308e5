"""From a `Message` to the bytes that travel, with no way to slip a header in."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from typing import TYPE_CHECKING, Final

from identra.values import SECOND

if TYPE_CHECKING:
    from identra.values import Message

LONGEST_ADDRESS: Final = 254
LONGEST_SUBJECT: Final = 200

_ADDRESS: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9.-]+")
# Seven bits need no 8BITMIME of the server, and no line grows past RFC 5321's limit.
_POLICY: Final = SMTP.clone(cte_type="7bit")


def refuse_unsafe(message: Message) -> None:
    """Raise ValueError unless the recipient is one plain addr-spec and the subject one line.

    Control characters, line and paragraph separators and lone surrogates are refused everywhere
    in both, so that neither can become a further header or recipient (RFC 5322, 2.2).
    """
    if len(message.to) > LONGEST_ADDRESS or not _ADDRESS.fullmatch(message.to):
        raise ValueError("the recipient is not one plain address")
    if len(message.subject) > LONGEST_SUBJECT or not message.subject.isprintable():
        raise ValueError("the subject is not one printable line")


def compose(message: Message, *, sender: str, at: int, name: str) -> EmailMessage:
    """The mail as sent: text, with HTML beside it where the message has some.

    `at` (Unix microseconds) becomes its Date, `name` and the sender's domain its Message-ID.
    Marked as sent by a machine (RFC 3834), so that no vacation notice answers it.
    Raises ValueError as `refuse_unsafe`.
    """
    refuse_unsafe(message)
    mail = EmailMessage(policy=_POLICY)
    mail["From"] = sender
    mail["To"] = message.to
    mail["Subject"] = message.subject
    mail["Date"] = datetime.fromtimestamp(at // SECOND, UTC)
    mail["Message-ID"] = f"<{name}@{domain_of(sender)}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(message.text)
    if message.html is not None:
        mail.add_alternative(message.html, subtype="html")
    if message.locale:  # the last: a body that is set takes such a header away
        mail["Content-Language"] = message.locale.replace("_", "-")
    return mail


def domain_of(address: str) -> str:
    """What stands right of the last @."""
    return address.rpartition("@")[2]
