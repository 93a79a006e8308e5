"""The tables of a report: Markdown that is read as well on a terminal."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING

from bench import startup

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bench.finding import Found
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
    """What a storm costs those who don't sign in, and what became of those who tried."""
    heads = (
        "on one connection",
        "p50 ms: alone",
        "storm",
        "p99 ms: alone",
        "storm",
        "bound",
        "5 s after",
    )
    table = Table(title, heads)
    for name, turns in found.alone.items():
        (p50, p99), (high_p50, high_p99) = _latency(turns), _latency(found.storm[name])
        bound = f"{2 * float(p99) + 20:.1f}"
        after = _median(found.after[name], "slow", 1)
        table.rows.append((name, p50, high_p50, p99, high_p99, bound, after))
    return table


def storm(title: str, found: Weather) -> Table:
    """The storm itself: what came, what was judged, how quickly the rest was refused."""
    table = Table(title, ("logins", "found"))
    refused = zip(*(raid.refused for raid in found.raids), strict=True)
    median_, slow, most = (spread(column, 1) for column in refused)
    table.rows += [
        ("hashes a second, alone", f"{found.hashes:.0f}"),
        ("came a second", spread([raid.offered for raid in found.raids], 0)),
        ("judged a second", spread([raid.judged for raid in found.raids], 0)),
        ("BUSY, p50 ms", median_),
        ("BUSY, p99 ms", slow),
        ("BUSY, the most ms", most),
        ("MiB more than idle", spread([most - idle for idle, most in found.held], 0)),
    ]
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


def finding(title: str, found: Found) -> Table:
    """What each page took, and what was held after the first round and after the last."""
    table = Table(title, ("a page of 100", "p50 ms", "p99 ms", "most ms"))
    for name, seconds in found.took.items():
        took = sorted(each * 1000 for each in seconds)
        slow = took[int(len(took) * 0.99)]
        table.rows.append((name, *(f"{one:.1f}" for one in (median(took), slow, took[-1]))))
    table.rows.append(("RSS MiB", *(f"{held:.0f}" for held in found.held), ""))
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


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = zip(cells, widths, strict=True)
    texts = [first[0].ljust(first[1]), *(text.rjust(width) for text, width in others)]
    return f"| {' | '.join(texts)} |"
