"""JSON that two readers could read differently is refused; so is what no column could hold."""

from __future__ import annotations

import json
import math
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identra.errors import InvalidArgument, UnsupportedMediaType
from identra.http.body import read_body, read_object, read_query
from identra.http.models import Credentials, EmailTo, UrlArguments

REFUSED = {
    "nothing but space": b"  ",
    "no object": b"[]",
    "a string": b'"x"',
    "null": b"null",
    "half an object": b'{"a":',
    "two objects": b"{}{}",
    "a name twice": b'{"a":1,"a":2}',
    "a name twice, spelled apart": b'{"a":1,"\\u0061":2}',
    "a name twice further in": b'{"o":{"a":1,"a":1}}',
    "a name twice within a list": b'{"o":[{"a":1,"a":1}]}',
    "NaN": b'{"a":NaN}',
    "Infinity": b'{"a":-Infinity}',
    "a number beyond every number": b'{"a":1e999}',
    "digits without end": b'{"a":' + b"9" * 5000 + b"}",
    "single quotes": b"{'a':1}",
    "a comment": b'{"a":1/**/}',
    "a trailing comma": b'{"a":1,}',
    "NUL in a value": b'{"a":"\\u0000"}',
    "NUL in a name": b'{"\\u0000":1}',
    "NUL in a list": b'{"a":[["\\u0000"]]}',
    "a raw control character": b'{"a":"\x01"}',
    "a lone surrogate": b'{"a":"\\ud800"}',
    "a lone surrogate in a name": b'{"\\udfff":1}',
    "a byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16": '{"a":1}'.encode("utf-16"),
    "broken UTF-8": b'{"a":"\xff"}',
    "an overlong encoding": b'{"a":"\xc0\xaf"}',
    "nesting without end": b'{"a":' + b"[" * 30_000,
    "objects without end": b'{"a":' * 10_000,
    "a closed deep nest": b'{"a":' + b"[" * 20_000 + b"]" * 20_000 + b"}",
}


@pytest.mark.parametrize("raw", REFUSED.values(), ids=REFUSED.keys())
def test_loose_json_is_refused(raw: bytes) -> None:
    with pytest.raises(InvalidArgument):
        read_object(raw)


_NAMES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=9)
_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=3),
    max_leaves=20,
)


@given(st.dictionaries(_NAMES, _VALUES))
def test_what_json_writes_is_read_unchanged(value: dict[str, object]) -> None:
    assert read_object(json.dumps(value).encode()) == value
    assert read_object(json.dumps(value, ensure_ascii=False).encode()) == value


@given(st.binary(max_size=200))
def test_whatever_arrives_is_an_object_or_an_invalid_argument(raw: bytes) -> None:
    with suppress(InvalidArgument):
        assert isinstance(read_object(raw), dict)


@pytest.mark.parametrize("wrong", [0, 1.5, True, None, [], {}, ["a@b.example"]])
def test_no_other_type_becomes_a_string(wrong: object) -> None:
    """On a database that compares loosely, a number could match every row."""
    body = json.dumps({"email": wrong, "password": "x"}).encode()
    with pytest.raises(InvalidArgument) as refused:
        read_body(Credentials, body, "application/json")
    assert [fault.field for fault in refused.value.faults] == ["email"]


@pytest.mark.parametrize("wrong", ["true", 1, 0, "yes"])
def test_only_true_is_true(wrong: object) -> None:
    body = json.dumps({"email": "a@b.example", "use_html": wrong}).encode()
    with pytest.raises(InvalidArgument):
        read_body(EmailTo, body, "application/json")


def test_every_missing_field_is_named_and_unknown_ones_are_ignored() -> None:
    with pytest.raises(InvalidArgument) as refused:
        read_body(Credentials, b'{"new":1}', "application/json")
    assert {(f.field, f.says) for f in refused.value.faults} == {
        ("email", "is required"),
        ("password", "is required"),
    }


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "",
        "text/plain",
        "application/jsonp",
        "application/json, text/plain",
        "application/x-www-form-urlencoded",
        "application/json; charset=utf-16",
        "application/json; charset=latin1",
    ],
)
def test_a_body_that_is_not_said_to_be_json_is_refused(content_type: str | None) -> None:
    with pytest.raises(UnsupportedMediaType):
        read_body(EmailTo, b'{"email":"a@b.example"}', content_type)


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "Application/JSON", 'application/json; charset="UTF-8"'],
)
def test_json_may_be_spelled_as_rfc_9110_allows(content_type: str) -> None:
    assert read_body(EmailTo, b'{"email":"a@b.example"}', content_type).email == "a@b.example"


@pytest.mark.parametrize("content_type", [None, "application/json"])
def test_an_empty_body_is_an_empty_object(content_type: str | None) -> None:
    with pytest.raises(InvalidArgument) as refused:
        read_body(EmailTo, b"", content_type)
    assert [fault.field for fault in refused.value.faults] == ["email"]


@pytest.mark.parametrize(
    "query",
    [
        "provider=github&provider=acme",
        "provider=github&provider=github",
        "provider=github&%70rovider=acme",
        "provider=%ff",
        "provider=git%00hub",
        "&".join(f"a{n}=1" for n in range(100)),
    ],
)
def test_a_query_that_could_be_read_twice_is_refused(query: str) -> None:
    with pytest.raises(InvalidArgument):
        read_query(UrlArguments, query)


def test_unknown_arguments_are_ignored_even_twice() -> None:
    assert read_query(UrlArguments, "provider=github&utm=1&utm=2").provider == "github"


def test_a_number_stays_finite() -> None:
    assert math.isfinite(read_object(b'{"a":1.5e300}')["a"])
