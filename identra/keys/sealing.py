"""Which master key seals what is new: one that every node that is up can open it by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from identra.master import MasterKeyError

if TYPE_CHECKING:
    from identra.master import MasterKey, MasterKeys
    from identra.nodes import Nodes


class Sealing:
    """Chooses among the master keys of this node by what the others hold."""

    def __init__(self, master: MasterKeys, nodes: Nodes) -> None:
        self._master = master
        self._nodes = nodes

    async def demand_common(self) -> MasterKey:
        """The first master key that all nodes hold. Raises MasterKeyError if there is none."""
        live = await self._nodes.live()
        for key in self._master.keys:
            if not live.lacking(key.key_id):
                return key
        raise _lacking(self._master.first.key_id, live.lacking(self._master.first.key_id))

    async def common_or_first(self) -> MasterKey:
        """The same; in an emergency the first of them, which some node is then left behind by.

        That node reads the ring no more, and goes by what it has no longer than STALE_AFTER.
        """
        try:
            return await self.demand_common()
        except MasterKeyError:
            return self._master.first

    async def demand_first(self) -> MasterKey:
        """The first master key. Raises MasterKeyError unless all nodes hold it."""
        first = self._master.first
        if lacking := (await self._nodes.live()).lacking(first.key_id):
            raise _lacking(first.key_id, lacking)
        return first


def _lacking(key_id: str, processes: int) -> MasterKeyError:
    return MasterKeyError(
        f"{processes} processes are up without master key {key_id}; add its file to their"
        " keys.master_key_files, restart them, and try again"
    )
