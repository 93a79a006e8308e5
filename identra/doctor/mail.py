"""Mail: how far a conversation with the server goes, and whether a letter is taken."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from identra.doctor.finding import Kind
from identra.errors import OperatorError
from identra.mail import open_letters
from identra.mail.rehearsal import rehearse
from identra.settings.words import is_loopback
from identra.values import Message

if TYPE_CHECKING:
    from collections.abc import Iterator

    from identra.doctor.finding import Finding
    from identra.mail.rehearsal import Rehearsed, Turn
    from identra.settings import SettingsTree
    from identra.settings.sections import SmtpMailer
    from identra.values import Clock

ABSENT: Final = Kind(
    "MAIL_ABSENT", "warning", "Set [smtp_mailer]: without it nobody gets a code or a notice."
)
READY: Final = Kind("MAIL_READY", "ok")
TAKEN: Final = Kind("MAIL_TAKEN", "ok")
PLAIN: Final = Kind(
    "MAIL_UNENCRYPTED", "warning", 'Set smtp_mailer.tls = "starttls" or "implicit".'
)
UNREACHED: Final = Kind(
    "MAIL_UNREACHED", "error", "Look at smtp_mailer.host, port and tls, and at the firewall."
)
NO_TLS: Final = Kind(
    "MAIL_NO_TLS", "error", "Set smtp_mailer.tls as the server wants it: implicit, or starttls."
)
CERTIFICATE: Final = Kind(
    "MAIL_CERTIFICATE",
    "error",
    "Name the server in smtp_mailer.host as its certificate does, or renew that.",
)
LOGIN: Final = Kind("MAIL_LOGIN_REFUSED", "error", "Look at smtp_mailer.username and its password.")
SENDER: Final = Kind(
    "MAIL_SENDER_REFUSED",
    "error",
    "Let smtp_mailer.from be an address that this login may send from.",
)
RECIPIENT: Final = Kind(
    "MAIL_RECIPIENT_REFUSED", "error", "Have the server relay for this login, or name another."
)
LETTER: Final = Kind(
    "MAIL_LETTER_REFUSED", "error", "Ask whoever runs the mail server; its words are the cause."
)
TEMPLATE: Final = Kind(
    "MAIL_TEMPLATE_REFUSED",
    "error",
    "Mend the file that is named, or take it away; the service does not start before.",
)
KINDS: Final = (
    *(ABSENT, READY, TAKEN, PLAIN, UNREACHED, NO_TLS, CERTIFICATE, LOGIN, SENDER, RECIPIENT),
    *(LETTER, TEMPLATE),
)
_FAILED: Final[dict[Turn, Kind]] = {
    "connect": UNREACHED,
    "encrypt": NO_TLS,
    "login": LOGIN,
    "sender": SENDER,
    "recipient": RECIPIENT,
    "letter": LETTER,
}


async def look(settings: SmtpMailer, to: str | None, application: str, at: int) -> Rehearsed:
    """Talk to the server; with a recipient, send a letter there."""
    letter = to and Message(
        to,
        f"A letter from {application}'s doctor",
        f"This letter shows that mail of {application} arrives. There is nothing to do.\n",
    )
    return await rehearse(settings, letter or None, at=at)


def look_at_letters(tree: SettingsTree, clock: Clock) -> Iterator[Finding]:
    """Whether every letter can be written on the operator's templates."""
    try:
        open_letters(tree.mail, clock)
    except OperatorError as fault:
        yield TEMPLATE.of(str(fault))


def judge(tree: SettingsTree, talk: Rehearsed | None) -> Iterator[Finding]:
    """What is to be said of it; None for no mail server at all."""
    settings = tree.smtp_mailer
    if settings is None or talk is None:
        yield ABSENT.of("there is no [smtp_mailer]")
        return
    place = f"{settings.host}:{settings.port}"
    went = ", ".join(talk.went) or "nothing"
    if settings.tls == "none" and not is_loopback(settings.host):
        yield PLAIN.of(f"codes travel to {place} in clear")
    if talk.failed is None:
        kind = TAKEN if "letter" in talk.went else READY
        yield kind.of(f"{place}: {went}")
        return
    kind = CERTIFICATE if talk.by_certificate else _FAILED[talk.failed]
    yield kind.of(f"{place}: {talk.failed} failed: {talk.cause} (went well: {went})")
