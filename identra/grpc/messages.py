"""Reading what a call carries: one message, strictly."""

from __future__ import annotations

from typing import Final, TypeVar

from google.protobuf.message import DecodeError, Message

from identra.errors import BodyTooLarge, FieldFault, InvalidArgument

_Message = TypeVar("_Message", bound=Message)

LONGEST_MESSAGE: Final = 64 * 1024

NEVER_REQUIRED: Final = frozenset({"access_token"})
"""Plain strings for older clients alone: the metadata is where this one belongs."""


def read_message(model: type[_Message], raw: bytes) -> _Message:
    """The message in these bytes. Unknown fields are ignored.

    Raises BodyTooLarge, and InvalidArgument for bytes that are no such message, texts that are no
    UTF-8 or hold NUL, and required strings that are absent.
    """
    if len(raw) > LONGEST_MESSAGE:
        raise BodyTooLarge
    try:
        message = model.FromString(raw)
    except DecodeError as fault:
        raise InvalidArgument("the message is not readable") from fault
    _judge(message)
    return message


def _judge(message: Message) -> None:
    if any("\0" in value for _, value in message.ListFields() if isinstance(value, str)):
        raise InvalidArgument("a text holds what no text holds")
    lacking = [name for name in required(message) if not getattr(message, name)]
    if lacking:
        faults = tuple(FieldFault(name, "is required") for name in lacking)
        raise InvalidArgument("the message lacks what is required", faults=faults)


def required(model: type[Message] | Message) -> list[str]:
    """The strings of a message that are not `optional`: empty, they are absent."""
    return [
        field.name
        for field in model.DESCRIPTOR.fields
        if field.type == field.TYPE_STRING
        and not field.has_presence
        and field.name not in NEVER_REQUIRED
    ]


def said(message: Message, field: str) -> str | None:
    """The value of an `optional` text, or None where it is absent."""
    return getattr(message, field) if message.HasField(field) else None
