"""What the letters say, and what they must not."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from identra.mail import Outbox, letters
from identra.mail.outbox import KEPT
from identra.values import Message

if TYPE_CHECKING:
    from collections.abc import Callable

TO = "alice@example.com"
NOTICES = {
    "already_registered": letters.already_registered(TO, application="Acme"),
    "identity_linked": letters.identity_linked(TO, provider="github", application="Acme"),
    "identity_unlinked": letters.identity_unlinked(TO, provider="github", application="Acme"),
    "deletion_asked": letters.deletion_asked(TO, until="2026-12-10T12:00:00Z", application="Acme"),
    "password_set": letters.password_set(TO, application="Acme"),
    "address_added": letters.address_added(TO, application="Acme"),
    "address_removed": letters.address_removed(TO, application="Acme"),
    "primary_changed": letters.primary_changed(TO, application="Acme"),
    "address_lost": letters.address_lost(TO, application="Acme"),
    "claim_dropped": letters.claim_dropped(TO, application="Acme"),
}


def code(*, application: str = "Acme", use_html: bool = False) -> Message:
    return letters.code(TO, "123456", minutes=10, application=application, use_html=use_html)


def test_a_code_stands_in_the_body_and_never_in_the_subject() -> None:
    letter = code(use_html=True)
    assert "123456" in letter.text
    assert "123456" in (letter.html or "")
    assert "123456" not in letter.subject


@pytest.mark.parametrize("write", [letters.reset_code, letters.address_code])
def test_a_code_that_does_not_sign_in_says_what_it_does(write: Callable[..., Message]) -> None:
    letter = write(TO, "123456", minutes=10, application="Acme")
    assert "123456" in letter.text
    assert "123456" not in letter.subject
    assert "new password" in letter.text
    assert TO not in letter.text


def test_a_preview_does_not_tell_a_code_from_a_known_address() -> None:
    told = NOTICES["already_registered"]
    assert code().subject == told.subject
    assert code().text.splitlines()[0] == told.text.splitlines()[0]
    assert told.html is None


def test_the_application_is_escaped_in_html_and_plain_in_text() -> None:
    letter = code(application="Tom & <b>Jerry</b>", use_html=True)
    assert "Tom &amp; &lt;b&gt;Jerry&lt;/b&gt;" in (letter.html or "")
    assert "<b>Jerry" not in (letter.html or "")
    assert "Tom & <b>Jerry</b>" in letter.text


@pytest.mark.parametrize("name", NOTICES)
def test_a_notice_names_the_application_and_carries_no_link(name: str) -> None:
    letter = NOTICES[name]
    assert letter.to == TO
    assert "Acme" in letter.text
    assert "://" not in letter.text
    assert TO not in letter.text


def test_every_letter_is_covered_here() -> None:
    public = {
        name
        for name, made in inspect.getmembers(letters, inspect.isfunction)
        if made.__module__ == letters.__name__ and not name.startswith("_") and name != "cache"
    }
    assert public == {*NOTICES, "code", "reset_code", "address_code"}


def test_the_outbox_keeps_the_last_hundred_in_order() -> None:
    outbox = Outbox()
    with CliRunner().isolation():
        for number in range(KEPT + 5):
            outbox.post(Message(to=f"user{number}@example.com", subject="S", text="T"))
    assert len(outbox.messages) == KEPT
    assert outbox.messages[0].to == "user5@example.com"
    assert outbox.messages[-1].to == "user104@example.com"


def test_the_outbox_shows_each_message_on_standard_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Outbox().post(code())
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "To: alice@example.com" in shown.err
    assert "123456" in shown.err
