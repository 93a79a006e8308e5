"""What a place answered, read strictly: a body that is not what it says it is, is no answer."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final, NoReturn
from urllib.parse import parse_qsl

import httpx

from identra.errors import ProviderRefused, ProviderUnavailable
from identra.values import error_word

RETRY_AFTER: Final = 5
FIELDS: Final = 100
TRY_LATER: Final = frozenset({408, 425, 429})
"""Refusals that speak of the moment, not of the person."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back from a host: its status, the type it says it is, and its bytes."""

    host: str
    status: int
    media: str
    body: bytes


def judge(answer: Answer) -> None:
    """Raise ProviderRefused for a 4xx that speaks of the person, else ProviderUnavailable."""
    status = httpx.codes
    if status.is_success(answer.status):
        return
    if status.is_client_error(answer.status) and answer.status not in TRY_LATER:
        raise ProviderRefused(f"{answer.host}: {answer.status} {_error_word(answer)}".rstrip())
    raise unavailable(answer.host, f"status {answer.status}")


def _error_word(answer: Answer) -> str:
    try:
        return error_word(read_json(answer)["error"])
    except (ProviderUnavailable, TypeError, LookupError):
        return ""


def read_json(answer: Answer) -> Any:
    """Its JSON. Raises ProviderUnavailable; a name that stands there twice is no JSON."""
    try:
        return json.loads(
            answer.body.decode(), object_pairs_hook=_object, parse_constant=_refuse_constant
        )
    except (ValueError, RecursionError) as fault:
        raise unavailable(answer.host, "the answer is not JSON") from fault


def read_text(answer: Answer) -> str:
    """Its UTF-8. Raises ProviderUnavailable."""
    try:
        return answer.body.decode()
    except UnicodeDecodeError as fault:
        raise unavailable(answer.host, "the answer is no text") from fault


def read_form(answer: Answer) -> dict[str, Any]:
    """Its fields. Raises ProviderUnavailable; a name that stands there twice is no form."""
    try:
        pairs = parse_qsl(
            answer.body.decode(), keep_blank_values=True, strict_parsing=True, max_num_fields=FIELDS
        )
        return _object(pairs)
    except ValueError as fault:
        raise unavailable(answer.host, "the answer is no form") from fault


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(pairs)
    if len(read) < len(pairs):
        raise ValueError("a name stands there twice")
    return read


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def unavailable(host: str, why: str) -> ProviderUnavailable:
    """A place that gave no usable answer; it may give one later."""
    return ProviderUnavailable(f"{host}: {why}", retry_after=RETRY_AFTER)
