"""Signing, as Standard Webhooks 1.0.0 says ("Signature scheme", "Webhook headers"). Pure."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64encode
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def headers_of(message_id: str, at: int, body: bytes, keys: Sequence[bytes]) -> Mapping[str, str]:
    """The headers of a try at that Unix second: its id, its time, a signature by each key.

    The id has no full stop; ValueError else: it could stand for another message's beginning.
    """
    if not message_id or not message_id.isascii() or "." in message_id:
        raise ValueError("a message's id is ASCII without a full stop")
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(at),
        "webhook-signature": " ".join(sign(message_id, at, body, key) for key in keys),
    }


def sign(message_id: str, at: int, body: bytes, key: bytes) -> str:
    """One signature: HMAC-SHA256 over `id.timestamp.body`, in Base64, with its scheme's name."""
    signed = f"{message_id}.{at}.".encode() + body
    return "v1," + b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
