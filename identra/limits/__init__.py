"""Spend from an allowance, or be told to slow down."""

from identra.limits.allowances import (
    CALLING,
    EVERY,
    FAILING_ADMIN,
    FAILING_CLIENT,
    FAILING_PEER,
    GUESSING,
    IN_A_ROW,
    IN_ALL,
    OF_NETWORKS,
    RETURNING,
    SECRET,
    SENDING,
    STARTING,
    Allowance,
    Patience,
    Share,
    network_of,
    shares_of,
)
from identra.limits.calls import Calls
from identra.limits.ledger import Entry, Ledger
from identra.limits.room import RESTED, Limits, Tried, Watch

__all__ = [
    "CALLING",
    "EVERY",
    "FAILING_ADMIN",
    "FAILING_CLIENT",
    "FAILING_PEER",
    "GUESSING",
    "IN_ALL",
    "IN_A_ROW",
    "OF_NETWORKS",
    "RESTED",
    "RETURNING",
    "SECRET",
    "SENDING",
    "STARTING",
    "Allowance",
    "Calls",
    "Entry",
    "Ledger",
    "Limits",
    "Patience",
    "Share",
    "Tried",
    "Watch",
    "network_of",
    "shares_of",
]
