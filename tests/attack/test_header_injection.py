"""Nothing that a mail is made of can become a further header, recipient or command."""

from __future__ import annotations

import asyncio
from email import message_from_bytes
from email.policy import default
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from postbox import open_postbox

from identra.errors import MailNotConfigured
from identra.mail import NoMailer, Outbox, SmtpMailer
from identra.mail.envelope import compose, refuse_unsafe
from identra.settings.sections import SmtpMailer as SmtpSettings
from identra.values import Message

if TYPE_CHECKING:
    from email.message import EmailMessage

BREAKS = (
    "\r",
    "\n",
    "\r\n",
    "\r\n\r\n",
    "\n ",
    "\r\n\t",
    "\0",
    "\x0b",
    "\x0c",
    "\x1c",
    "\x1e",
    "\x7f",
    "\x85",
    "\u2028",
    "\u2029",
    "\ud800",
)
PLACES = ("{}alice@example.com", "alice{}@example.com", "alice@example.com{}Bcc: eve@evil.example")
LISTS = (
    "",
    "alice",
    "@example.com",
    "alice@",
    "alice@example.com,eve@evil.example",
    "alice@example.com;eve@evil.example",
    "alice@example.com eve@evil.example",
    "alice@example.com>, <eve@evil.example",
    "<alice@example.com>",
    "Alice <alice@example.com>",
    '"eve@evil.example"@example.com',
    "eve@evil.example@example.com",
    "@evil.example:alice@example.com",
    "alice@example.com> SIZE=1",
    "alice@[192.0.2.1]",
    "alice@example.com(eve)",
    "al\uff20ice@example.com",
    "alice\uff20example.com",
    "ali\u0441e@example.com",
    "=?utf-8?q?eve=0d=0a?=@example.com ",
    " alice@example.com",
    "a" * 250 + "@example.com",
)


def message(to: str = "alice@example.com", subject: str = "Hello", text: str = "Text") -> Message:
    return Message(to=to, subject=subject, text=text)


def composed(given: Message) -> EmailMessage:
    return compose(given, sender="noreply@example.com", at=1_700_000_000_000_000, name="unique")


@pytest.mark.parametrize("to", [place.format(gap) for gap in BREAKS for place in PLACES])
def test_a_line_break_in_a_recipient_is_refused(to: str) -> None:
    with pytest.raises(ValueError, match="recipient"):
        composed(message(to=to))


@pytest.mark.parametrize("to", LISTS)
def test_a_recipient_is_one_plain_address(to: str) -> None:
    with pytest.raises(ValueError, match="recipient"):
        composed(message(to=to))


@pytest.mark.parametrize("gap", BREAKS)
def test_a_line_break_in_a_subject_is_refused(gap: str) -> None:
    with pytest.raises(ValueError, match="subject"):
        composed(message(subject=f"Hello{gap}Bcc: eve@evil.example"))


@settings(deadline=None)
@given(to=st.text(max_size=40), subject=st.text(max_size=60), text=st.text())
def test_whatever_is_not_refused_has_our_headers_and_no_other(
    to: str, subject: str, text: str
) -> None:
    given_message = message(to=f"{to}@example.com", subject=subject, text=text)
    try:
        mail = composed(given_message)
    except ValueError:
        return
    read = message_from_bytes(mail.as_bytes(), policy=default)
    ours = ["From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted"]
    told = ["Content-Type", "Content-Transfer-Encoding", "MIME-Version"]
    assert sorted(read.keys()) == sorted(ours + told)
    assert read["To"] == given_message.to
    assert len(read["To"].addresses) == 1


@pytest.mark.parametrize(
    "text",
    [
        "\r\n.\r\nMAIL FROM:<eve@evil.example>\r\n",
        "\n.\nRCPT TO:<eve@evil.example>\n",
        "\r.\r\nDATA\r\n",
        "\n.\r\nMAIL FROM:<eve@evil.example>",
        ".",
        ".\r\n..\r\n",
    ],
)
async def test_no_body_ends_the_letter_early(text: str) -> None:
    section = SmtpSettings.model_validate(
        {"host": "127.0.0.1", "port": 1, "from": "noreply@example.com", "tls": "none"}
    )
    async with open_postbox() as box:
        mailer = SmtpMailer(section.model_copy(update={"port": box.port}))
        await mailer.start()
        mailer.post(message(text=text))
        mailer.post(message(to="bob@example.com"))
        await asyncio.gather(box.wait_for("alice@example.com"), box.wait_for("bob@example.com"))
        await mailer.close(5)
    assert len(box.received) == 2
    assert {letter.recipients for letter in box.received} == {
        ("alice@example.com",),
        ("bob@example.com",),
    }
    told = "".join(text.split())
    assert told in "".join(box.to("alice@example.com")[0].text.split())


def test_development_refuses_what_smtp_would() -> None:
    with pytest.raises(ValueError, match="recipient"):
        Outbox().post(message(to="alice@example.com\r\nBcc: eve@evil.example"))


def test_a_service_without_mail_takes_none() -> None:
    with pytest.raises(MailNotConfigured):
        NoMailer().post(message())


def test_the_usual_is_let_through() -> None:
    refuse_unsafe(message(to="o'brien+tag@xn--bcher-kva.example", subject="Käsekrämer: 🧀"))
