"""Piccolo builds our queries; this ties its tables to one dialect, and to nothing that runs."""

from __future__ import annotations

from types import new_class
from typing import Any, NoReturn, TypeVar, cast

from piccolo.engine.base import Engine
from piccolo.table import TABLE_REGISTRY, Table

T = TypeVar("T", bound=Table)


class Binding(Engine[Any]):
    """Tells Piccolo which dialect to write. Running is the Database's work alone.

    Piccolo's own constructor connects, on another event loop, to ask for a version, and its
    nested transactions join silently: so none of its running parts are used.
    """

    def __init__(self, dialect: str, version: float) -> None:
        # Not calling the constructor we inherit is the point: it would connect.
        self.engine_type = dialect
        self.version = version

    def get_version_sync(self) -> float:
        """Tell the server's version, by which Piccolo chooses its SQL."""
        return self.version

    async def get_version(self) -> float:
        """Tell the same."""
        return self.version

    async def prep_database(self) -> None:
        """Prepare nothing."""

    async def batch(self, *_args: Any, **_named: Any) -> NoReturn:
        """Refuse."""
        self._refuse()

    async def run_querystring(self, *_args: Any, **_named: Any) -> NoReturn:
        """Refuse."""
        self._refuse()

    async def run_ddl(self, *_args: Any, **_named: Any) -> NoReturn:
        """Refuse."""
        self._refuse()

    def transaction(self, *_args: Any, **_named: Any) -> NoReturn:
        """Refuse."""
        self._refuse()

    def atomic(self) -> NoReturn:
        """Refuse."""
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise RuntimeError("hand the query to a Database: fetch, first or change")


def bind(table: type[T], binding: Binding) -> type[T]:
    """Make a twin of a table that writes the binding's dialect, leaving nothing global behind."""
    name = table._meta.tablename  # noqa: SLF001 - Piccolo says a table's name nowhere else
    twin = new_class(table.__name__, (table,), {"tablename": name, "db": binding})
    # Piccolo remembers every class for ever, for its own command line, which we don't use.
    TABLE_REGISTRY[:] = [known for known in TABLE_REGISTRY if known is not twin]
    return cast("type[T]", twin)
