"""Reading what a request carries, strictly: JSON objects and query arguments into typed models."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import parse_qsl

from pydantic import BaseModel, ValidationError

from identra.errors import FieldFault, InvalidArgument, UnsupportedMediaType

if TYPE_CHECKING:
    from collections.abc import Iterable

_Model = TypeVar("_Model", bound=BaseModel)
_MOST_ARGUMENTS = 64


def read_body(model: type[_Model], raw: bytes, content_type: str | None) -> _Model:
    """A JSON body as a model. An empty body is `{}`.

    Raises UnsupportedMediaType for a body that does not say it is JSON in UTF-8, and
    InvalidArgument naming the field that is missing or of the wrong type.
    """
    if raw or content_type is not None:
        _demand_type("application/json", content_type)
    return _fit(model, read_object(raw) if raw else {})


def read_form(model: type[_Model], raw: bytes, content_type: str | None) -> _Model:
    """A form (application/x-www-form-urlencoded) as a model.

    Raises UnsupportedMediaType for another body, and InvalidArgument for one that can't be read
    or says any name twice (RFC 6749, 3.2).
    """
    if raw or content_type is not None:
        _demand_type("application/x-www-form-urlencoded", content_type)
    try:
        pairs = _pairs(raw.decode("ascii"))
    except ValueError as fault:
        raise InvalidArgument("the form is not readable") from fault
    return _fit(model, _object(pairs))


def read_query(model: type[_Model], raw: str) -> _Model:
    """Query arguments as a model; InvalidArgument for a known one given twice, or unreadable."""
    try:
        pairs = _pairs(raw)
    except ValueError as fault:
        raise InvalidArgument("the query is not readable") from fault
    known = [(name, value) for name, value in pairs if name in model.model_fields]
    return _fit(model, _object(known))


def read_object(raw: bytes) -> dict[str, Any]:
    """One JSON object (RFC 8259), nothing looser; InvalidArgument otherwise.

    Refused: names given twice, NaN and infinities, NUL and lone surrogates in strings, and
    nesting deeper than can be read.
    """
    try:
        value = _DECODER.decode(raw.decode("utf-8"))
    except (ValueError, RecursionError) as fault:
        raise InvalidArgument("the body is not readable JSON") from fault
    if not isinstance(value, dict):
        raise InvalidArgument("the body is not a JSON object")
    return value


def _pairs(written: str) -> list[tuple[str, str]]:
    return parse_qsl(written, True, errors="strict", max_num_fields=_MOST_ARGUMENTS)  # noqa: FBT003 - keep_blank_values


def _demand_type(wanted: str, content_type: str | None) -> None:
    kind, _, parameters = (content_type or "").partition(";")
    charset = parameters.strip().lower().replace('"', "")
    if kind.strip().lower() != wanted or charset not in {"", "charset=utf-8"}:
        raise UnsupportedMediaType


def _object(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    read: dict[str, Any] = {}
    for name, value in pairs:
        _demand_sound(name)
        _demand_sound(value)
        if name in read:
            raise InvalidArgument.of(name[:64], "is given twice")
        read[name] = value
    return read


def _demand_sound(value: Any) -> None:
    if isinstance(value, list):
        for item in value:
            _demand_sound(item)
    if isinstance(value, str) and ("\0" in value or not _encodable(value)):
        raise InvalidArgument("a text holds what no text holds")


def _encodable(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _refuse_constant(name: str) -> None:
    message = f"{name} is not JSON"
    raise ValueError(message)


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        message = "too large a number"
        raise ValueError(message)
    return number


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_constant=_refuse_constant, parse_float=_finite
)
"""Made once: `json.loads` would make one for each body."""


def _fit(model: type[_Model], values: dict[str, Any]) -> _Model:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        faults = tuple(
            FieldFault(".".join(map(str, found["loc"])), _says(found["type"], found["msg"]))
            for found in error.errors(include_url=False, include_context=False, include_input=False)
        )
        raise InvalidArgument("the request does not fit its model", faults=faults) from None


_SAYS = {
    "missing": "is required",
    "string_type": "must be a string",
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
}


def _says(kind: str, message: str) -> str:
    return _SAYS.get(kind, message)
