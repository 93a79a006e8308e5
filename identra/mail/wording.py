"""What letters say in each language: our English sentences translated, and days and hours."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from babel.dates import format_date, format_time, get_datetime_format
from babel.messages.pofile import read_po

from identra.values import SECOND

if TYPE_CHECKING:
    from collections.abc import Mapping

    from identra.locales import Locale


def say(locale: Locale, sentence: str) -> str:
    """A sentence in that language; one that no catalogue has, as it is."""
    return sentence if locale == "en" else _catalogue(locale).get(sentence, sentence)


def day(locale: Locale, at: int) -> str:
    """The day of an instant in UTC, as it is written in that language."""
    return format_date(_moment(at), "long", locale=locale)


def moment(locale: Locale, at: int) -> str:
    """An instant to the minute in UTC, with its zone, as it is written in that language."""
    time = format_time(_moment(at), "short", tzinfo=UTC, locale=locale)
    # Babel's own zones come out as "TU" in French, and before the hour in Chinese.
    whole = str(get_datetime_format("long", locale=locale)).replace("'", "")
    return whole.replace("{0}", f"{time} UTC").replace("{1}", day(locale, at))


def _moment(at: int) -> datetime:
    return datetime.fromtimestamp(at // SECOND, UTC)


@cache
def _catalogue(locale: Locale) -> Mapping[str, str]:
    """The sentences of a catalogue; read as it is in the repository, so nothing is to be built."""
    with files("identra.mail").joinpath("translations", f"{locale}.po").open("rb") as file:
        return {str(m.id): str(m.string) for m in read_po(file, locale=locale) if m.id and m.string}
