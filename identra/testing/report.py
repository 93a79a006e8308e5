"""Reports: whether an installed plugin keeps the rules, and what was found when it was asked."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from identra.errors import OperatorError
from identra.testing.case import Conformance

if TYPE_CHECKING:
    from identra.loader import Plugin
    from identra.testing.case import Result

GROUP: Final = "identra.conformance"
"""The entry points by which a plugin brings its canned answers: a subclass of Conformance each."""


@dataclass(frozen=True, slots=True)
class Report:
    """What the rules came to for one version of a plugin, by this release. `at` is RFC 3339."""

    plugin: str
    version: str
    identra: str
    at: str
    kept: int
    broken: tuple[str, ...]

    @property
    def says(self) -> str:
        """In a word or two."""
        if self.broken:
            return f"breaks {', '.join(self.broken)}"
        return f"keeps {self.kept} rules" if self.kept else "brings no canned answers"


def cases_of(plugin: Plugin) -> tuple[Conformance, ...]:
    """The rules that a plugin brings, with its canned answers.

    Raises OperatorError for an entry point that is none, or is about another plugin, and where
    some of its providers have answers and others have not.
    """
    found: list[Conformance] = []
    for entry in entry_points(group=GROUP):
        if entry.name.partition(".")[0] == plugin.name:
            made = entry.load()
            if not (isinstance(made, type) and issubclass(made, Conformance)):
                raise OperatorError(f"plugin {plugin.name}: {entry.value} is no Conformance")
            found.append(_of_this(plugin, made()))
    unseen = {make.name for make in plugin.makes} - {case.looks_at for case in found}
    if found and unseen:
        raise OperatorError(f"plugin {plugin.name}: brings no canned answers for {min(unseen)}")
    return tuple(found)


def _of_this(plugin: Plugin, case: Conformance) -> Conformance:
    """The case, if it looks at this plugin: one that was copied may still name another."""
    brings = {make.name for make in getattr(case.module, "providers", tuple)()}
    if case.name != plugin.name or brings != {make.name for make in plugin.makes}:
        raise OperatorError(
            f"plugin {plugin.name}: {type(case).__name__} is about {case.name} in {case.plugin}"
        )
    return case


def report(plugin: Plugin, results: list[Result], *, identra: str, at: str) -> Report:
    """What the results come to. A rule is kept if it holds wherever it was looked at."""
    broken = tuple(dict.fromkeys(one.rule for one in results if one.fault is not None))
    kept = len({one.rule for one in results} - set(broken))
    return Report(plugin.name, plugin.version, identra, at, kept, broken)


def keep(file: str, made: Report) -> None:
    """Put a report into the file of reports, in the place of the plugin's former one."""
    path = Path(file)
    kept = {**_read(path), made.plugin: asdict(made)}
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.new")
    fresh.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")
    fresh.replace(path)


def kept_for(file: str, plugin: Plugin, *, identra: str) -> str:
    """What the kept report says of just this version by just this release."""
    said = _read(Path(file)).get(plugin.name)
    if said is None:
        return "not checked"
    found = Report(**{**said, "broken": tuple(said["broken"])})
    if (found.version, found.identra) != (plugin.version, identra):
        return "not checked since it changed"
    return found.says


def _read(path: Path) -> dict[str, Any]:
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as fault:
        raise OperatorError(f"{path}: is no file of reports; remove it") from fault
    return read if isinstance(read, dict) else {}
