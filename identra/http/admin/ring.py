"""The route by which operators see the key ring, never a private part of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from identra import clearance as acts
from identra.http.admin.asked import back, operation
from identra.http.models import RingKey, RingKeys
from identra.values import SECOND

if TYPE_CHECKING:
    from identra.app import App
    from identra.http.call import Call
    from identra.http.models import Empty
    from identra.keys import KeyRow


async def keys(app: App, _call: Call, _query: Empty) -> RingKeys:
    """Every key."""
    return RingKeys(keys=[_told(key) for key in await back(app).keys()])


def _told(key: KeyRow) -> RingKey:
    return RingKey.model_validate(
        {
            "kid": key.kid,
            "purpose": key.purpose,
            "algorithm": key.algorithm,
            "state": key.state,
            "sealed_by": key.sealed_by,
            "created_at": key.created_at // SECOND,
            "changed_at": key.changed_at // SECOND,
            "signs_from": None if key.signs_from is None else key.signs_from // SECOND,
        }
    )


OPERATIONS = (
    operation(
        "GET",
        "/keys",
        keys,
        acts.LIST_KEYS,
        "List the keys of the ring, never their private parts",
        gives=RingKeys,
    ),
)
