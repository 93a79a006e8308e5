"""Whatever arrives at a parser of ours is read, or refused in its own words; nothing else.

Texts are made of what each parser looks for, so that much of the noise is nearly right.
"""

from __future__ import annotations

import base64
import json
import os
import string
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from identra import caller, secret
from identra.errors import IdentraError, OperatorError, ProviderRefused, ProviderUnavailable
from identra.grpc.call import socket_address
from identra.grpc.identra.v1 import identra_pb2 as v1
from identra.grpc.messages import read_message
from identra.http.body import read_form, read_query
from identra.http.introspection import asker_of
from identra.http.keys import matches
from identra.http.models import Credentials, EmailCode, TokenAsked, UrlArguments
from identra.master import MasterKeyError, _parse
from identra.portable import record
from identra.providers import discovery, idtoken
from identra.providers.redirecting import demand_url
from identra.settings import SettingsError, load
from identra.upstream import answer, demand_hosts
from identra.values import error_word, plain
from identra_oauth2 import _at

if TYPE_CHECKING:
    from collections.abc import Callable

ISSUER = "https://id.example"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


def near(*words: str) -> st.SearchStrategy[str]:
    """Texts of these words and of anything, in any order."""
    return st.lists(st.sampled_from(words) | st.text(max_size=4), max_size=12).map("".join)


def _form(text: str) -> object:
    return read_form(TokenAsked, text.encode(), "application/x-www-form-urlencoded")


def _wire(text: str) -> object:
    return read_message(v1.LoginByEmailCodeRequest, text.encode("latin-1", "replace"))


def _network(text: str) -> object:
    networks = ()
    first = caller.peer_of(text, text, networks, networks)
    assert first is None or caller.peer_of(first.partition("/")[0], None, (), ()) == first
    return first


def _asker(text: str) -> object:
    return asker_of(f"Basic {base64.b64encode(text.encode()).decode()}") or asker_of(text)


def _users_line(text: str) -> object:
    with suppress(RecursionError):
        return record.read_line(text)
    return None


def _discovery(text: str) -> object:
    names = ("authorization_endpoint", "token_endpoint", "jwks_uri")
    answer = dict.fromkeys(names, text) | {"issuer": ISSUER}
    found = discovery.read_metadata(answer, ISSUER, ("id.example",))
    assert found.token_url.startswith("https://id.example")
    return found


def _upstream(text: str) -> object:
    said = answer.Answer("host", 200, "", text.encode("utf-8", "replace"))
    answer._error_word(said)
    with suppress(ProviderUnavailable):
        answer.read_json(said)
    return answer.read_form(said)


PARSERS: dict[str, tuple[Callable[[str], Any], st.SearchStrategy[str], tuple[type, ...]]] = {
    "a form": (_form, near("token", "=", "&", "%", "%00", "%FF", "+", ";"), (IdentraError,)),
    "a query": (
        lambda text: read_query(UrlArguments, text),
        near("provider", "redirect_url", "=", "&", "%", "%C3", "\0"),
        (IdentraError,),
    ),
    "a gRPC message": (_wire, near("\n", "\x05", "\x12", "\xff", "\x80", "ada"), (IdentraError,)),
    "a chain of forwarded addresses": (
        _network,
        near("203.0.113.7", "::ffff:", "2001:db8::1", "[", "]", "%", "/64", ":", ",", " "),
        (),
    ),
    "a bearer": (
        lambda text: caller.bearer_of(text, text[:3]),
        near("Bearer", "bearer", " ", "\t", "x"),
        (IdentraError,),
    ),
    "a client's login": (_asker, near("a", ":", "%", "%zz", "%ff", "+", "Basic "), ()),
    "an If-None-Match": (lambda text: matches(text, '"x"'), near('"x"', "W/", "*", ",", " "), ()),
    "a request's id": (caller.request_id_of, near("a", "-", ".", "\n"), ()),
    "an agent": (caller.agent_of, near("a", "\n", "é"), ()),
    "a socket's name": (
        socket_address,
        near("ipv4:", "ipv6:", "%5B", "%5D", ":", "1", "%", "unix:"),
        (),
    ),
    "an unpadded base64url": (secret.from_base64url, near("ab-_", "=", "+", "A"), (ValueError,)),
    "a UUIDv7": (secret.uuid7_made_at, near("-", "7", "0189", "ffffffff"), ()),
    "a provider's error word": (error_word, near("invalid_grant", " ", "\n"), ()),
    "a text to show": (lambda text: plain(text, 5), near("a", "\n", "\u202e"), ()),
    "a line of users": (
        _users_line,
        near('{"user_id":', '"a"', "{", "}", "[", "]", ",", "1e999", "NaN"),
        (ValueError,),
    ),
    "an instant of users": (
        record.parse_instant,
        near("2026-01-31", "T", "12:00:00", "Z", "+23:59", "0001-01-01", "9999-12-31", "."),
        (ValueError,),
    ),
    "an id_token": (
        idtoken.read,
        near("eyJhbGciOiJSUzI1NiJ9", ".", "e30", "bnVsbA", "W10", "="),
        (ProviderRefused,),
    ),
    "a discovery": (
        _discovery,
        near("https://", "id.example", "/x", "@", "#", "[", ":443", " ", "http://"),
        (ValueError,),
    ),
    "an endpoint": (
        demand_url,
        near("https://", "http://", "[", "]", "::1", "@", "#"),
        (ValueError,),
    ),
    "a declared host": (
        lambda text: demand_hosts((text,)),
        near("host", ".", ":", "[", "]", "/", "%", "xn--", "1"),
        (OperatorError,),
    ),
    "an upstream's answer": (
        _upstream,
        near("access_token", "=", "&", '{"', '":', "}", "[", "]", "NaN", "%"),
        (ProviderUnavailable,),
    ),
    "a master key": (
        lambda text: _parse(text, Path("file")),
        near("ab-_", "A" * 43, "=", "\n"),
        (MasterKeyError,),
    ),
    "a path of a declared answer": (
        lambda text: _at({"a": {"b": 1}}, text),
        near("a", ".", "b"),
        (),
    ),
}


@pytest.mark.parametrize("name", PARSERS)
def test_whatever_arrives_is_read_or_refused_in_its_own_words(name: str) -> None:
    parse, texts, refusals = PARSERS[name]

    @settings(max_examples=60, deadline=None)
    @given(texts)
    def judge(text: str) -> None:
        with suppress(*refusals):
            parse(text)

    judge()


@settings(max_examples=60, deadline=None)
@given(JSON)
def test_whatever_a_provider_says_is_metadata_of_its_issuer_or_none(answer: Any) -> None:
    with suppress(ValueError):
        discovery.read_metadata(answer, ISSUER, ("id.example",))


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from(["email", "password", "code", "more"]), JSON))
def test_no_value_of_another_type_reaches_a_field_that_is_a_text(said: dict[str, Any]) -> None:
    for model in (Credentials, EmailCode):
        with suppress(ValueError):
            read = model.model_validate(said)
            assert all(isinstance(said[name], str) for name in model.model_fields if name in said)
            assert read


TOML = near(
    "[auth]\n", "[http]\n", "[[introspection.clients]]\n", "token_issuer", " = ", '"x"', "\n",
    "trusted_proxies", "[", "]", "{", "}", "1", "true", '"10.0.0.0/8"', "public_url", "'", '"""',
)  # fmt: skip


def _fault(file: Path, environ: dict[str, str]) -> str:
    """What is wrong with these settings, in one line; empty for nothing."""
    try:
        load(file, environ)
    except SettingsError as fault:
        return str(fault)
    return ""


def test_any_file_is_settings_or_one_fault_that_names_it(tmp_path: Path) -> None:
    file = tmp_path / "identra.toml"

    @settings(max_examples=60, deadline=None)
    @given(st.one_of(st.binary(max_size=80), TOML.map(str.encode)))
    def judge(raw: bytes) -> None:
        file.write_bytes(raw)
        told = _fault(file, {})
        assert "\n" not in told
        assert not told or str(file) in told

    judge()
    file.write_bytes(b"auth = " + b"[" * 100_000)
    assert str(file) in _fault(file, {})


NAMES = st.lists(st.sampled_from(string.ascii_uppercase + "_"), max_size=14).map("".join)
SAID = st.sampled_from(["AUTH__TOKEN_ISSUER", "HTTP_PORT", "HTTP__TRUSTED_PROXIES", "REDIS__URLS"])


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.one_of(SAID, NAMES), st.text(max_size=12), max_size=3))
def test_any_environment_is_settings_or_one_fault(said: dict[str, str]) -> None:
    environ = {f"IDENTRA_{name}": value for name, value in said.items()}
    environ.pop("IDENTRA_CONFIG", None)
    assert "\n" not in _fault(Path(os.devnull), environ)


def test_deeply_nested_texts_are_refused_as_any_other() -> None:
    """What overflows a parser is a fault of who wrote it."""
    deep = "[" * 100_000
    for parse in (_users_line, _upstream):
        with suppress(ValueError, ProviderUnavailable):
            parse(deep)
    nested = base64.urlsafe_b64encode(json.dumps([[[]]]).encode()).decode().rstrip("=")
    with pytest.raises(ProviderRefused):
        idtoken.read(f"{nested}.{nested}.x")
