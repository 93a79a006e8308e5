"""What operators do, over REST: each route one act, behind a key that was made for it."""

from identra.http.admin import events, limits, people, providers, ring
from identra.http.admin.asked import let_in

OPERATIONS = (
    *people.OPERATIONS,
    *limits.OPERATIONS,
    *providers.OPERATIONS,
    *ring.OPERATIONS,
    *events.OPERATIONS,
)

__all__ = ["OPERATIONS", "let_in"]
