"""In which language somebody is told something: what was said, looked up, and never an error."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identra.locales import LOCALES, MOST_RANGES, heard, spoken, stored

TAGS = {locale: locale.replace("_", "-") for locale in LOCALES}
FOREIGN = ("it", "pt-BR", "nl", "zh-TW", "zh-Hant-HK", "tlh")
subtag = st.from_regex(r"[a-z0-9]{2,8}", fullmatch=True)
weight = st.integers(1, 1000)


def said(ranges: list[tuple[str, int]]) -> str:
    return ", ".join(f"{tag};q={thousandths / 1000:.3f}" for tag, thousandths in ranges)


@pytest.mark.parametrize(
    ("range_", "locale"),
    [
        ("de", "de"),
        ("DE-at", "de"),
        ("de-CH-1901", "de"),
        ("de-u-co-phonebk", "de"),
        ("fr_CA", "fr"),
        ("es-419", "es"),
        ("zh", "zh_Hans"),
        ("zh-CN", "zh_Hans"),
        ("zh_Hans", "zh_Hans"),
        ("zh-Hans-HK", "zh_Hans"),
        ("zh-TW", None),
        ("zh-Hant", None),
        ("zh-Hant-TW", None),
        ("ja-JP", "ja"),
        ("en-GB", "en"),
        ("it", None),
        ("*", None),
        ("", None),
        ("-", None),
        ("de-", None),
        ("d\u00e9", None),
        ("de\r\nBcc: x", None),
        ("de" + "-aa" * 20, None),
    ],
)
def test_a_range_is_looked_up_from_its_longest_form(range_: str, locale: str | None) -> None:
    assert spoken(range_) == locale


@pytest.mark.parametrize(
    ("header", "locale"),
    [
        ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ("it, pt;q=0.9, fr;q=0.1", "fr"),
        ("en;q=0.5, ja", "ja"),
        ("fr;q=0.7,es;q=0.7", "fr"),
        ("zh-TW,zh;q=0.9,en;q=0.8", "zh_Hans"),
        ("zh-TW,en;q=0.8", "en"),
        ("de;q=0, en;q=0.1", "en"),
        ("de-AT, de;q=0", None),
        ("*", None),
        ("*;q=0.5, es;q=0.1", "es"),
        ("de;q=2, fr", "fr"),
        ("de;q=, fr;q=0.001", "fr"),
        ("de;level=1, fr", "fr"),
        (",, ;q=1,ja ; q=0.3", "ja"),
        ("", None),
    ],
)
def test_a_header_asks_for_what_it_weighs_most(header: str, locale: str | None) -> None:
    assert heard(header) == locale


@given(st.text(max_size=80), st.text(max_size=200))
def test_whatever_is_said_is_a_locale_of_ours_or_none(word: str, header: str) -> None:
    assert spoken(word) in (*LOCALES, None)
    assert heard(header) in (*LOCALES, None)


@given(st.sampled_from(LOCALES), st.lists(subtag, max_size=3))
def test_what_a_range_says_further_changes_nothing(locale: str, more: list[str]) -> None:
    assert spoken("-".join([TAGS[stored(locale) or "en"], *more])) == locale


@given(st.lists(st.tuples(st.sampled_from([*TAGS.values(), *FOREIGN]), weight), max_size=8))
def test_the_order_of_a_header_matters_among_equals_alone(ranges: list[tuple[str, int]]) -> None:
    found = heard(said(ranges))
    ours = [(weight, spoken(tag)) for tag, weight in ranges if spoken(tag)]
    best = max((weight for weight, _ in ours), default=None)
    assert found == next((locale for weight, locale in ours if weight == best), None)


@given(st.sampled_from(LOCALES), st.lists(st.sampled_from(FOREIGN), max_size=8))
def test_what_is_not_spoken_here_is_passed_over(locale: str, foreign: list[str]) -> None:
    assert heard(", ".join([*foreign, TAGS[stored(locale) or "en"]])) == locale


def test_only_so_much_of_a_header_is_read() -> None:
    assert heard(",".join(["it"] * (MOST_RANGES - 1) + ["de"])) == "de"
    assert heard(",".join(["it"] * MOST_RANGES + ["de"])) is None


def test_what_was_stored_counts_as_long_as_it_is_spoken() -> None:
    assert [stored(one) for one in ("de", "zh_Hans", "it", "", None)] == [
        *("de", "zh_Hans"),
        *(None, None, None),
    ]
