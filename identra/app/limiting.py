"""Where allowances are counted, and who watches over them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from identra.acquaintance import Acquaintance
from identra.limits import Limits
from identra.state.counting import SteadyCounts

if TYPE_CHECKING:
    from identra.app.building import Edges
    from identra.settings import SettingsTree
    from identra.users import Users


def open_limits(tree: SettingsTree, edges: Edges, users: Users) -> Limits:
    """The allowances of a house. A Redis that is away does not stop the counting.

    Without mail nobody could wake a secret that rests: it waits on instead.
    """
    counts = SteadyCounts(edges.state) if tree.redis else edges.state
    watch = Acquaintance(users, edges.plugged.events, edges.clock)
    mailer = edges.mailer
    return Limits(counts, watch, rests=lambda: mailer.configured)
