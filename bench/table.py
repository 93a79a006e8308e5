"""The tables of a report: Markdown that is read as well on a terminal."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING

from bench import startup

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bench.moving import Copied
    from bench.rounds import Compared, Slice
    from bench.served import Memory
    from bench.storm import Weather


AMONG_FEW = "among few"

HEADS = ("CPU ms", "generator", "busiest")
"""Of the server's processors for an answer; of the generator; the busiest worker's share."""


@dataclass(slots=True)
class Table:
    """A title, the columns' heads, and rows of cells."""

    title: str
    heads: tuple[str, ...]
    rows: list[tuple[str, ...]] = field(default_factory=list)

    def __str__(self) -> str:
        widths = [max(map(len, column)) for column in zip(self.heads, *self.rows, strict=True)]
        rule = tuple("-" * width for width in widths)
        lines = (_line(row, widths) for row in (self.heads, rule, *self.rows))
        return "\n".join([f"## {self.title}", "", *lines, ""])


def routes(title: str, compared: Sequence[Compared]) -> Table:
    """A row for each subject and floor, and one for each floor of a subject with its ratio."""
    table = Table(
        title,
        ("what", "a second", "p50 ms", "p99 ms", *HEADS, "floor", "ratio"),
    )
    seen: dict[str, list[Slice]] = {}
    for each in compared:
        for floor, turns in _floors(each):
            seen.setdefault(floor, []).extend(turns)
    table.rows += [(*_measured(floor, turns), "", "") for floor, turns in seen.items()]
    for each in compared:
        cells = _measured(each.subject, each.turns[each.subject])
        for floor, _ in _floors(each):
            table.rows.append((*cells, floor, spread(each.ratios(floor), 3)))
            cells = ("",) * len(cells)
    return table


def weather(title: str, found: Weather) -> Table:
    """Calm, storm, and what a storm costs."""
    table = Table(title, ("/me/login-info on one connection", "p50 ms", "p99 ms", "a second"))
    for name, turns in (("alone", found.calm), ("beside 16 that log in", found.storm)):
        table.rows.append((name, *_latency(turns), spread([t.rate for t in turns], 0)))
    table.rows.append(("ratio", *_worse(found), ""))
    logins = spread([t.rate for t in found.logins], 0)
    refused = sum(t.refused for t in found.logins)
    table.rows.append((f"logins meanwhile, and {refused} told BUSY", "", "", logins))
    return table


def starts(took: dict[str, list[float]]) -> Table:
    """Milliseconds of each start, and how many times a floor that is."""
    table = Table("Starting", ("what", "ms", "floor", "ratio"))
    floors = {
        startup.HELP: startup.PYTHON,
        startup.FRESH: startup.BARE,
        startup.EXISTING: startup.BARE,
    }
    for name, seconds in took.items():
        floor = floors.get(name, "")
        pairs = zip(seconds, took.get(floor, []), strict=False)
        ratio = spread([mine / theirs for mine, theirs in pairs], 2)
        table.rows.append((name, spread([s * 1000 for s in seconds], 0), floor, ratio))
    return table


def growth(title: str, compared: Sequence[Compared]) -> Table:
    """What each route takes on one connection among few users and among many."""
    heads = ("on one connection", "p50 ms: few", "many", "p99 ms: few", "many", "ratio of p50")
    table = Table(title, heads)
    for each in compared:
        few, many = each.turns[AMONG_FEW], each.turns[each.subject]
        (p50, p99), (many_p50, many_p99) = _latency(few), _latency(many)
        pairs = zip(many, few, strict=True)
        ratio = spread([(m.middle or 0) / (f.middle or 1) for m, f in pairs], 2)
        table.rows.append((each.subject, p50, many_p50, p99, many_p99, ratio))
    return table


def copied(title: str, found: Copied) -> Table:
    """How fast a copy was, and what it held at several moments."""
    table = Table(title, ("of the time", "RSS MiB"))
    for share in (0.05, 0.25, 0.5, 0.75, 0.95):
        table.rows.append((f"{share:.0%}", f"{found.held_at(share):.0f}"))
    table.rows.append(("the most", f"{max(found.held):.0f}"))
    table.rows.append(("seconds", f"{found.seconds:.0f}"))
    table.rows.append(("users a second", f"{found.users / found.seconds:.0f}"))
    table.rows.append(("rows a second", f"{found.rows / found.seconds:.0f}"))
    return table


def memory(title: str, found: Mapping[str, tuple[Sequence[Memory], Sequence[Memory]]]) -> Table:
    """MiB of each process, idle and after load."""
    table = Table(title, ("process", "RSS idle", "RSS after load", "RSS peak"))
    for server, (idle, after) in found.items():
        for number, (before, now) in enumerate(zip(idle, after, strict=True)):
            name = f"{server}: worker {number}" if number else f"{server}: parent"
            cells = (before.resident, now.resident, now.peak)
            table.rows.append((name, *(f"{cell:.0f}" for cell in cells)))
        shared = (sum(m.shared for m in idle), sum(m.shared for m in after))
        table.rows.append((f"{server}: all, PSS", *(f"{sum_:.0f}" for sum_ in shared), ""))
    return table


def spread(values: Sequence[float], digits: int) -> str:
    """The median, and between what it lies; nothing for nothing."""
    if not values:
        return ""
    middle, least, most = (f"{v:.{digits}f}" for v in (median(values), min(values), max(values)))
    return f"{middle} ({least}-{most})"


def _floors(each: Compared) -> Iterator[tuple[str, list[Slice]]]:
    return ((name, turns) for name, turns in each.turns.items() if name != each.subject)


def _measured(name: str, turns: Sequence[Slice]) -> tuple[str, ...]:
    rate = spread([turn.rate for turn in turns], 0)
    use = (_median(turns, which, 2) for which in ("cost", "busy", "uneven"))
    return (name, rate, *_latency(turns), *use)


def _latency(turns: Sequence[Slice]) -> tuple[str, str]:
    return _median(turns, "middle", 1), _median(turns, "slow", 1)


def _median(turns: Sequence[Slice], which: str, digits: int) -> str:
    values = [value for turn in turns if (value := getattr(turn, which)) is not None]
    return f"{median(values):.{digits}f}" if values else ""


def _worse(found: Weather) -> tuple[str, str]:
    pairs = list(zip(found.storm, found.calm, strict=True))
    middles = [(s.middle or 0) / (c.middle or 1) for s, c in pairs]
    slows = [(s.slow or 0) / (c.slow or 1) for s, c in pairs]
    return spread(middles, 1), spread(slows, 1)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = zip(cells, widths, strict=True)
    texts = [first[0].ljust(first[1]), *(text.rjust(width) for text, width in others)]
    return f"| {' | '.join(texts)} |"
