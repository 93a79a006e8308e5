"""Reading what was said in the shape of a model: secret files opened, lists taken apart."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, get_origin

from pydantic import BaseModel, SecretStr, ValidationError

from identra.settings.faults import fault, from_validation, prefix_of
from identra.settings.masking import secret_values
from identra.settings.outline import LISTS, annotation_of, mentions, model_at, types_in
from identra.settings.said import At, Flat, Said, flatten, nest

if TYPE_CHECKING:
    from collections.abc import Sequence

_Model = TypeVar("_Model", bound=BaseModel)
_LARGEST_SECRET = 65_536


def read_section(model: type[_Model], raw: dict[str, Any], key: str, file: Path | None) -> _Model:
    """One section by its own model, `NAME_file` keys of its secrets opened.

    `key` is the section's dotted name, used in the SettingsError that any fault raises. A model
    that puts a secret's value into its words has it masked.
    """
    prefix = f"{prefix_of(file)}{key}."
    ready = _ready(model, flatten(raw, prefix))
    return _validated(model, ready, prefix, secret_values(ready))


def read(model: type[_Model], flat: Flat, file: Path | None) -> _Model:
    """A model of what was said; SettingsError names the first fault."""
    return _validated(model, _ready(model, flat), prefix_of(file), ())


def _ready(model: type[BaseModel], flat: Flat) -> Flat:
    return _split_lists(model, _open_files(model, flat))


def _validated(model: type[_Model], flat: Flat, prefix: str, hidden: Sequence[str]) -> _Model:
    try:
        return model.model_validate(_nest(flat), context={"written": True})
    except ValidationError as error:
        raise from_validation(error, model, flat, prefix, hidden) from None


def _nest(flat: Flat) -> dict[str, Any]:
    try:
        return nest(flat)
    except KeyError as error:
        raise fault(flat[error.args[0]].where, "is a section of keys, not a value") from None


def _open_files(model: type[BaseModel], flat: Flat) -> Flat:
    """Each `NAME_file` of a secret NAME replaced by what its file holds."""
    ready = dict(flat)
    for at, said in flat.items():
        secret = (*at[:-1], at[-1].removesuffix("_file"))
        if secret == at or not _is_secret_file(model, at, secret):
            continue
        if secret in flat:
            raise fault(said.where, f"says again what {secret[-1]} says; keep one")
        ready[secret] = Said(_contents(ready.pop(at)), said.where)
    return ready


def _is_secret_file(model: type[BaseModel], at: At, secret: At) -> bool:
    inner = model_at(model, at[:-1])
    if inner is None or annotation_of(inner, at[-1]) is not None:
        return False
    return mentions(annotation_of(inner, secret[-1]), SecretStr)


def _contents(said: Said) -> str:
    if not isinstance(said.value, str) or not said.value:
        raise fault(said.where, "is the name of a file")
    try:
        with Path(said.value).open(encoding="utf-8", newline="") as file:
            text = file.read(_LARGEST_SECRET + 1)
    except OSError as error:
        raise fault(said.where, f"the file can't be read: {error.strerror}") from None
    except ValueError:
        raise fault(said.where, "the file is not UTF-8 text") from None
    if len(text) > _LARGEST_SECRET:
        raise fault(said.where, "the file is too large to be a secret")
    secret = text.removesuffix("\r\n") if text.endswith("\r\n") else text.removesuffix("\n")
    if not secret:
        raise fault(said.where, "the file is empty")
    return secret


def _split_lists(model: type[BaseModel], flat: Flat) -> Flat:
    """Each list that was written as one string taken apart, at its commas and line ends."""
    return {at: _split(model, at, said) for at, said in flat.items()}


def _split(model: type[BaseModel], at: At, said: Said) -> Said:
    inner = model_at(model, at[:-1])
    if inner is None or not isinstance(said.value, str):
        return said
    if not any(get_origin(part) in LISTS for part in types_in(annotation_of(inner, at[-1]))):
        return said
    parts = said.value.replace("\n", ",").split(",")
    return Said([part.strip() for part in parts if part.strip()], said.where)
