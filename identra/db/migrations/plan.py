"""The plan: every statement that brings a database from where it is to where a release wants it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from identra.db.catalogue import ABSENT, Found, after, are_alike, is_done
from identra.db.migrations.ledger import LEDGER, SchemaError, entry
from identra.db.schema import CONTRACTS, Fill, parts, statement, statements

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from identra.db.catalogue import Catalogue
    from identra.db.migrations.step import Step
    from identra.db.schema import Change

BRIEF: Final = {
    "postgres": "SET LOCAL lock_timeout = '2s'",
    "mysql": "SET SESSION lock_wait_timeout = 2",
    "mariadb": "SET SESSION lock_wait_timeout = 2",
}
"""While a change waits for a table that somebody holds, all who come later wait behind it: it gives
up when their requests would."""

_MODE: Final = "SET SESSION sql_mode = 'ANSI_QUOTES,NO_ENGINE_SUBSTITUTION,STRICT_ALL_TABLES'"
_FIRST: Final = {
    "mysql": (_MODE, BRIEF["mysql"]),
    "mariadb": (_MODE, BRIEF["mariadb"]),
}
_BEGIN: Final = {"sqlite": ("BEGIN IMMEDIATE",), "postgres": ("BEGIN", BRIEF["postgres"])}
"""Where a change of schema is undone with its transaction, each step is one."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A step's statements, without what is there already; the last notes it in the ledger."""

    step: Step
    statements: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What there is to do, in one dialect."""

    dialect: str
    ledger: tuple[str, ...]
    steps: tuple[Planned, ...]


def make(dialect: str, steps: Sequence[Step], pending: Sequence[Step], found: Catalogue) -> Plan:
    """Plan the pending ones of a release's steps on the tables that were found.

    Raises SchemaError if one that a pending step touches is not as Identra made it.
    """
    _demand_ours(dialect, steps, pending, found)
    now = dict(found)
    ledger = () if found.get(LEDGER.name) else statements(dialect, LEDGER)
    return Plan(dialect, ledger, tuple(_planned(dialect, step, now) for step in pending))


def written(plan: Plan) -> str:
    """The plan as a script for the database's own client, to be run as it stands."""
    return "\n".join(_lines(plan))


def demand_done(dialect: str, step: Step, found: Catalogue) -> None:
    """Raise SchemaError unless what a step makes is there.

    Where names are those of a whole schema, IF NOT EXISTS is content with somebody else's.
    """
    wanted = dict(found)
    for part in _parts(dialect, [step]):
        wanted[part.table] = after(part, wanted.get(part.table, ABSENT))
    for table, want in wanted.items():
        have = found.get(table, ABSENT)
        if not (want.names <= have.names and want.indexes <= have.indexes):
            raise SchemaError(
                f"{table} is not as step {step} makes it: something else in the database has a"
                " name of ours; rename it"
            )


def _lines(plan: Plan) -> Iterator[str]:
    yield f"-- for {plan.dialect}, as it is now"
    yield from _ended(_FIRST.get(plan.dialect, ()))
    ledger = plan.ledger
    for planned in plan.steps:
        step = planned.step
        yield f"-- {step}: {_does(step)}; a release that knows step {step.needs:04} works on"
        begin = _BEGIN.get(plan.dialect, ())
        yield from _ended([*begin, *ledger, *planned.statements, *(["COMMIT"] if begin else [])])
        ledger = ()


def _does(step: Step) -> str:
    if not step.changes:
        return "marks a release"
    return "removes" if step.contracts else "adds"


def _ended(lines: Iterable[str]) -> Iterator[str]:
    return (f"{line};" for line in lines)


def _planned(dialect: str, step: Step, now: dict[str, Found]) -> Planned:
    told = []
    todo = list(_parts(dialect, [step]))
    for number, part in enumerate(todo):
        found = now.get(part.table, ABSENT)
        if not (is_done(part, found) or _is_behind(part, todo[number:], found)):
            told.append(statement(dialect, part))
            now[part.table] = after(part, found)
    return Planned(step, (*told, entry(dialect, step)))


def _is_behind(part: Change, later: Iterable[Change], found: Found) -> bool:
    """Whether a column must have been filled, since what it may be filled from is gone already."""
    going = (each for each in later if isinstance(each, CONTRACTS) and each.table == part.table)
    return isinstance(part, Fill) and any(is_done(each, found) for each in going)


def _demand_ours(
    dialect: str, steps: Sequence[Step], pending: Sequence[Step], found: Catalogue
) -> None:
    """A table that pending steps touch is as the last step left it, or on the way to its end."""
    before = [step for step in steps if step not in pending]
    now: dict[str, Found] = {}
    for part in _parts(dialect, before):
        now[part.table] = after(part, now.get(part.table, ABSENT))
    fit: dict[str, list[Found]] = {}
    for part in _parts(dialect, pending):
        here = now.get(part.table, ABSENT)
        now[part.table] = after(part, here)
        fit.setdefault(part.table, [here]).append(now[part.table])
    for table, states in fit.items():
        have = found.get(table, ABSENT)
        if not any(are_alike(dialect, have, state) for state in states):
            raise _foreign(table) if have.columns else _missing(table)


def _foreign(table: str) -> SchemaError:
    return SchemaError(
        f"the database has a table {table} that Identra did not make;"
        " rename it, or give Identra a database (persistence.name) of its own"
    )


def _missing(table: str) -> SchemaError:
    return SchemaError(f"the database has lost its table {table}; restore it from a backup")


def demand_ledger(dialect: str, found: Found) -> None:
    """Raise SchemaError if the ledger's name is taken by somebody else's table."""
    if found.columns and not are_alike(dialect, found, after(LEDGER, ABSENT)):
        raise _foreign(LEDGER.name)


def _parts(dialect: str, steps: Iterable[Step]) -> Iterator[Change]:
    return (part for step in steps for change in step.changes for part in parts(dialect, change))
