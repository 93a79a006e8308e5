"""Showing settings without their secrets."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, SecretStr

if TYPE_CHECKING:
    from identra.settings.said import Flat

MASK = "********"
_SHORTEST = 3
_LOOKS_SECRET = re.compile(r"secret|passw|passphrase|key|token|credential", re.IGNORECASE)
_USERINFO = re.compile(r"(?<=://)[^/\s]*(?=@)")


def shown(tree: BaseModel) -> dict[str, Any]:
    """The effective settings as plain values, absent ones left out, every secret masked.

    Core sections mask by type. A plugin's section is not ours to know: there every key that looks
    like a secret's is masked, and so is what stands before the @ of a URL.
    """
    written = tree.model_dump(mode="json", by_alias=True)
    out: dict[str, Any] = {}
    for name, field in type(tree).model_fields.items():
        value, key = getattr(tree, name), field.alias or name
        if name in {"providers", "hooks"}:
            out[key] = masked(value)
        elif isinstance(value, SecretStr):
            out[key] = MASK if value.get_secret_value() else ""
        elif isinstance(value, BaseModel):
            out[key] = shown(value)
        elif isinstance(value, dict):  # sections by names of the operator's own
            out[key] = {inner: shown(section) for inner, section in value.items()}
        elif isinstance(value, tuple) and any(isinstance(one, SecretStr) for one in value):
            out[key] = [MASK] * len(value)
        elif written[key] is not None:
            out[key] = written[key]
    return out


def masked(value: Any, key: str = "") -> Any:
    """A raw value with whatever looks like a secret replaced."""
    if key and looks_secret(key) and value not in ("", None):
        return MASK
    if isinstance(value, Mapping):
        return {name: masked(inner, str(name)) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [masked(inner) for inner in value]
    return _USERINFO.sub(MASK, value) if isinstance(value, str) else value


def looks_secret(key: str) -> bool:
    """Whether a key's name says that its value should not be shown."""
    return _LOOKS_SECRET.search(key) is not None


def secret_values(flat: Flat) -> list[str]:
    """Every text that was said under a secret's name, longest first."""
    found = {str(said.value) for at, said in flat.items() if any(map(looks_secret, at))}
    return sorted((text for text in found if len(text) > _SHORTEST), key=len, reverse=True)
