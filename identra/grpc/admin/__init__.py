"""What operators do, over gRPC: each method one act, behind a key that was made for it."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from identra.grpc.admin import house, people
from identra.grpc.admin.asked import Errand, do

if TYPE_CHECKING:
    from collections.abc import Mapping

ERRANDS: Final[Mapping[str, Errand]] = MappingProxyType({**people.ERRANDS, **house.ERRANDS})
"""Every method of `AdminService` by its name in the .proto."""

__all__ = ["ERRANDS", "Errand", "do"]
