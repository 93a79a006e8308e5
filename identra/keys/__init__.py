"""The key ring: kept in the database, sealed, read by every process, rotated step by step."""

from identra.keys.listing import list_keys
from identra.keys.making import new_pair, new_secret
from identra.keys.nouns import (
    Algorithm,
    Jwks,
    KeyRefused,
    KeyRow,
    KeyState,
    Lives,
    NoKeysError,
    Ring,
    RingSecret,
    SigningKey,
)
from identra.keys.orders import Orders
from identra.keys.plan import Due, Promote, Publish, Retire, RotationPolicy, plan_rotation
from identra.keys.resealing import Resealing
from identra.keys.room import RELOAD_EVERY, STALE_AFTER, Keys
from identra.keys.rotation import Done, Rotated, Rotation
from identra.keys.sealing import Sealing
from identra.keys.steps import Steps
from identra.keys.turning import Turning

__all__ = [
    "RELOAD_EVERY",
    "STALE_AFTER",
    "Algorithm",
    "Done",
    "Due",
    "Jwks",
    "KeyRefused",
    "KeyRow",
    "KeyState",
    "Keys",
    "Lives",
    "NoKeysError",
    "Orders",
    "Promote",
    "Publish",
    "Resealing",
    "Retire",
    "Ring",
    "RingSecret",
    "Rotated",
    "Rotation",
    "RotationPolicy",
    "Sealing",
    "SigningKey",
    "Steps",
    "Turning",
    "list_keys",
    "new_pair",
    "new_secret",
    "plan_rotation",
]
