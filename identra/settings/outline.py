"""What a model's keys are, and of which types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args, get_origin

from pydantic import BaseModel

if TYPE_CHECKING:
    from identra.settings.said import At

LISTS = (list, tuple, set, frozenset)
"""The types that a comma-separated string may stand for."""


def model_at(model: type[BaseModel], at: At) -> type[BaseModel] | None:
    """The section's model that stands at a way; None where there is none."""
    rest = list(at)
    while rest:
        said = annotation_of(model, rest.pop(0))
        if get_origin(said) is dict and rest:  # sections by names of the operator's own
            rest.pop(0)
            said = get_args(said)[1]
        inner = [part for part in types_in(said) if _is_model(part)]
        if not inner:
            return None
        model = inner[0]
    return model


def keys_of(model: type[BaseModel]) -> list[str]:
    """A section's keys as they are written."""
    return [field.alias or name for name, field in model.model_fields.items()]


def annotation_of(model: type[BaseModel], key: str) -> Any:
    """The type of a key as it is written; None for an unknown one."""
    for name, field in model.model_fields.items():
        if key == (field.alias or name):
            return field.annotation
    return None


def types_in(annotation: Any) -> tuple[Any, ...]:
    """A type, or the members of a union of types."""
    if get_origin(annotation) is None or get_origin(annotation) in (*LISTS, dict):
        return (annotation,)
    return tuple(part for member in get_args(annotation) for part in types_in(member))


def mentions(annotation: Any, kind: type) -> bool:
    """Whether a type is of that kind, or a list or a union of such."""
    return annotation is kind or any(mentions(part, kind) for part in get_args(annotation))


def _is_model(part: Any) -> bool:
    return isinstance(part, type) and issubclass(part, BaseModel)
