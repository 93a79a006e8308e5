"""No sentence of a letter is left untranslated, and no translation lags behind."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
import translating

if TYPE_CHECKING:
    from babel.messages.catalog import Catalog, Message

SENTENCES = translating.sentences()
every_catalogue = pytest.mark.parametrize("locale", translating.TRANSLATED)


def said(catalogue: Catalog) -> list[Message]:
    """Its sentences, without its head."""
    return [message for message in catalogue if message.id]


@every_catalogue
def test_every_sentence_is_translated_and_none_is_guessed(locale: str) -> None:
    known = said(translating.catalogue(locale))
    assert {message.id for message in known} == {message.id for message in said(SENTENCES)}
    for message in known:
        assert message.string, f"{locale}.po lacks: {message.id}"
        assert not message.fuzzy, f"{locale}.po guesses: {message.id}"
        assert message.string != message.id, f"{locale}.po repeats: {message.id}"


@every_catalogue
def test_a_translation_tells_the_same_facts(locale: str) -> None:
    for message in said(translating.catalogue(locale)):
        assert _facts(message.id) == _facts(message.string), message.id


def _facts(said: object) -> list[str]:
    return sorted(re.findall(r"%(?:\((\w+)\)s|.)", str(said)))


@every_catalogue
def test_a_translation_is_the_same_in_text_and_html(locale: str) -> None:
    """It is taken as it is in both."""
    for message in said(translating.catalogue(locale)):
        assert not re.search("[<>&]", f"{message.id}{message.string}"), message.id


@every_catalogue
def test_a_catalogue_is_as_make_translations_leaves_it(locale: str) -> None:
    file = translating.FOLDER / f"{locale}.po"
    assert file.read_bytes() == translating.written(locale, SENTENCES)


def test_there_is_a_catalogue_for_each_language_and_no_other() -> None:
    found = {file.name for file in translating.FOLDER.iterdir()}
    assert found == {f"{locale}.po" for locale in translating.TRANSLATED}


def test_no_word_of_a_template_stands_outside_of_its_sentences() -> None:
    for file in sorted(translating.TEMPLATES.iterdir()):
        rest = re.sub(r"{% trans.*?endtrans %}", "", file.read_text("utf-8"), flags=re.DOTALL)
        rest = re.sub(r"{[{%].*?[%}]}|<[^>]*>", "", rest, flags=re.DOTALL)
        assert rest.replace("Subject:", "").strip() == "", file.name
