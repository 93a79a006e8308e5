"""Values as they were said, each with its place: a file's key or an environment variable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "IDENTRA_"
"""What every environment variable of ours begins with."""

At: TypeAlias = tuple[str, ...]
"""The way to a value: ("auth", "token_issuer")."""


@dataclass(frozen=True, slots=True)
class Said:
    """A value and the place that said it, as an operator would look for it."""

    value: Any
    where: str


Flat: TypeAlias = dict[At, Said]
"""Every value by its way; an empty section is a value `{}`."""


def dotted(at: At) -> str:
    """The key as people write it: auth.token_issuer."""
    return ".".join(at)


def flatten(table: Mapping[str, Any], where: str, under: At = ()) -> Flat:
    """Every value of nested tables, each named `where` and its dotted key."""
    flat: Flat = {}
    for key, value in table.items():
        at = (*under, key)
        if isinstance(value, dict) and value:
            flat |= flatten(value, where, at)
        else:
            flat[at] = Said(value, f"{where}{dotted(at)}")
    return flat


def nest(flat: Flat) -> dict[str, Any]:
    """The nested tables of flat values. KeyError(at) where a value stands in a section's place."""
    tree: dict[str, Any] = {}
    for at in sorted(flat):
        _place(tree, at, flat[at].value)
    return tree


def _place(tree: dict[str, Any], at: At, value: Any) -> None:
    table = tree
    for depth, key in enumerate(at[:-1], start=1):
        inner = table.setdefault(key, {})
        if not isinstance(inner, dict):
            raise KeyError(at[:depth])
        table = inner
    table[at[-1]] = dict(value) if isinstance(value, dict) else value


def overlay(below: Flat, above: Flat) -> Flat:
    """`above` over `below`: a secret said above, plainly or by file, replaces both ways below."""
    hidden = {twin for at in above for twin in (at, _twin(at))}
    return {at: said for at, said in below.items() if at not in hidden} | above


def _twin(at: At) -> At:
    last = at[-1]
    other = last.removesuffix("_file") if last.endswith("_file") else f"{last}_file"
    return (*at[:-1], other)
