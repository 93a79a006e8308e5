"""What the letters say, in every language, and what they must not."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from scribe import NOW, TO, letter, letters

from identra.caller import coarse_of
from identra.locales import LOCALES
from identra.mail import Facts, Outbox
from identra.mail.envelope import refuse_unsafe
from identra.mail.letters import LEAVES, NAMES
from identra.mail.outbox import KEPT
from identra.values import Message

if TYPE_CHECKING:
    from identra.locales import Locale
    from identra.mail.letters import Name

CODES: tuple[Name, ...] = ("code", "password_reset_code", "address_code")
ENGLISH = re.compile(r"\b(the|your|you|somebody|account|password|network|signing)\b", re.IGNORECASE)
UNWRITTEN = re.compile(r"\{\{|\}\}|\{%|%\}|%\(|\)s\b|None|Undefined")
HOUR = {
    "en": "November 26, 2026, 7:20\u202fPM UTC",
    "de": "26. November 2026, 19:20 UTC",
    "fr": "26 novembre 2026, 19:20 UTC",
    "es": "26 de noviembre de 2026, 19:20 UTC",
    "zh_Hans": "2026年11月26日 19:20 UTC",
    "ja": "2026年11月26日 19:20 UTC",
}
every_letter = pytest.mark.parametrize("name", NAMES)
every_locale = pytest.mark.parametrize("locale", LOCALES)


class Page(HTMLParser):
    """What a page says, and which tags and addresses it is made of."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.said = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.said += data


@every_letter
@every_locale
def test_every_letter_is_whole_in_every_language(name: Name, locale: Locale) -> None:
    for more in (True, False):
        made = letter(name, locale, link=more, network=more)
        refuse_unsafe(made)
        assert (made.to, made.letter, made.locale) == (TO, name, locale)
        page = Page(made.html or "")
        for said in (made.subject, made.text, made.html or ""):
            assert not UNWRITTEN.search(said), said
        for said in (made.text, page.said):
            assert HOUR[locale] in said
            assert ("203.0.113.0/24" in said) is more
            assert TO not in said
        assert "Acme" in made.subject
        assert made.subject in page.said
        assert made.text.endswith("\n")
        assert not made.text.startswith("\n")
        assert "\n\n\n" not in made.text
        if locale != "en":
            english = letter(name, link=more, network=more)
            assert made.subject != english.subject
            assert not ENGLISH.search(made.text), made.text
            assert not ENGLISH.search(page.said), page.said


@every_letter
@every_locale
def test_both_parts_say_the_same(name: Name, locale: Locale) -> None:
    made = letter(name, locale)
    page = " ".join(Page(made.html or "").said.split())
    sentences = [" ".join(part.split()) for part in made.text.split("\n\n")]
    for lines in sentences:
        if "123456" not in lines and HOUR[locale].split()[0] not in lines:
            assert lines in page


@every_letter
@every_locale
def test_a_page_loads_nothing_and_says_its_language(name: Name, locale: Locale) -> None:
    page = Page(letter(name, locale, link=True).html or "")
    tags = dict(page.tags)
    assert tags["html"]["lang"] == locale.replace("_", "-")
    assert tags.keys() <= {
        *("html", "head", "meta", "title", "body", "div", "p", "strong", "br", "a"),
    }
    links = [attributes["href"] for tag, attributes in page.tags if tag == "a"]
    assert links == (
        ["https://id.example.com/magic_link/link#code=123456"] if name == "code" else []
    )
    assert not any(
        {"src", "background", "style"} & attributes.keys() and "url(" in str(attributes)
        for _, attributes in page.tags
    )
    schemes = [a["content"] for _, a in page.tags if a.get("name") == "color-scheme"]
    assert schemes == ["light dark"]


@every_locale
@pytest.mark.parametrize("name", CODES)
def test_a_code_stands_in_the_body_and_never_in_the_subject(name: Name, locale: Locale) -> None:
    made = letter(name, locale)
    assert "123456" in made.text
    assert "123456" in (made.html or "")
    assert "123456" not in made.subject


@every_locale
def test_a_preview_does_not_tell_a_code_from_a_known_address(locale: Locale) -> None:
    told, asked = letter("already_registered", locale), letter("code", locale)
    assert asked.subject == told.subject
    assert asked.text.splitlines()[0] == told.text.splitlines()[0]


@every_letter
def test_no_letter_but_the_links_carries_a_link(name: Name) -> None:
    made = letter(name)
    assert "://" not in made.text
    assert "href" not in (made.html or "")


def test_the_application_is_escaped_in_html_and_plain_in_text() -> None:
    made = letter("code", application_name="Tom & <b>Jerry</b>")
    assert "Tom &amp; &lt;b&gt;Jerry&lt;/b&gt;" in (made.html or "")
    assert "<b>Jerry" not in (made.html or "")
    assert "Tom & <b>Jerry</b>" in made.text


def test_html_is_left_away_where_nobody_wants_it() -> None:
    assert letter("code", html=False).html is None


@every_locale
def test_the_longest_name_of_an_application_fits_every_subject(locale: Locale) -> None:
    for name in NAMES:
        refuse_unsafe(letter(name, locale, application_name="W" * 64))


@pytest.mark.parametrize("name", CODES)
def test_a_letter_without_the_fact_it_is_there_for_is_not_written(name: Name) -> None:
    with pytest.raises(ValueError, match="code"):
        letters().write(name, TO, "en", Facts())


def test_operators_are_told_when_each_leaves() -> None:
    assert tuple(LEAVES) == NAMES


@given(st.ip_addresses())
def test_a_network_that_people_are_told_of_is_coarse_and_the_peers_own(address: object) -> None:
    coarse = coarse_of(str(address))
    assert coarse
    assert coarse.endswith("/24" if "." in coarse else "/48")
    assert coarse_of(coarse) == coarse
    assert coarse_of(None) is coarse_of("") is None


def test_a_peer_that_is_counted_by_its_site_is_told_by_a_larger_one() -> None:
    assert coarse_of("2001:db8:1:2::/64") == "2001:db8:1::/48"
    assert coarse_of("203.0.113.77") == "203.0.113.0/24"


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
    Outbox().post(letter("code"))
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "To: alice@example.com" in shown.err
    assert "123456" in shown.err


def test_the_day_of_a_deletion_is_named() -> None:
    facts = Facts(until=NOW + 14 * 86_400 * 1_000_000)
    assert "10. Dezember 2026" in letters().write("deletion_asked", TO, "de", facts).text
