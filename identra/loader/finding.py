"""Where plugins are: entry points of installed packages, and the files of one folder."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import dataclass
from functools import cache, partial
from importlib.metadata import entry_points
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

from identra.loader.folder import FolderError, SingleFile, plugin_files
from identra.loader.nouns import PluginError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from importlib.metadata import Distribution
    from types import ModuleType

GROUP: Final = "identra"
FIRST_PARTY: Final = "identra"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A plugin that is to be read: nothing of it has been imported yet."""

    name: str
    source: str
    version: str
    first_party: bool
    read: Callable[[], Any]


def find(
    enabled: Sequence[str], directory: str, given: Mapping[str, ModuleType]
) -> dict[str, list[Candidate]]:
    """Those that may be read, by name: first-party ones, enabled ones, and what is `given`.

    Raises PluginError for a folder that can't be trusted, and a name that is found nowhere.
    """
    found = sorted(_everywhere(enabled, directory, given), key=attrgetter("name", "source"))
    by_name = {name: list(those) for name, those in groupby(found, key=attrgetter("name"))}
    for name in enabled:
        if name not in by_name:
            raise PluginError(f"plugins.enabled: no plugin {name!r} is installed")
    return by_name


def _everywhere(
    enabled: Sequence[str], directory: str, given: Mapping[str, ModuleType]
) -> Iterator[Candidate]:
    told = cache(_told)  # a package's metadata is parsed anew whenever it is asked
    ours: set[str] = set()
    for entry in entry_points(group=GROUP):
        package, version = told(entry.dist) if entry.dist else ("", "")
        first = package == FIRST_PARTY
        ours |= {entry.name} if first else set()
        if (first or entry.name in enabled) and entry.name not in given:
            yield Candidate(entry.name, entry.value, version, first, entry.load)
    for name, module in given.items():
        yield Candidate(name, module.__name__, "", name in ours, partial(_same, module))
    if directory:
        yield from (one for one in _in_folder(directory) if one.name in enabled)


def _told(package: Distribution) -> tuple[str, str]:
    """A package's name and version."""
    told = package.metadata
    return told["Name"], told["Version"]


def _in_folder(directory: str) -> Iterator[Candidate]:
    try:
        files = plugin_files(directory)
    except FolderError as fault:
        raise PluginError(f"plugins.directory: {fault}") from fault
    for file in files:
        path = str(file)
        yield Candidate(file.stem, path, "", first_party=False, read=partial(_read, path))


def _same(module: ModuleType) -> ModuleType:
    return module


def _read(path: str) -> ModuleType:
    """Run a file as a module of its own, beside those that are installed."""
    loader = SingleFile(path)
    spec = importlib.util.spec_from_loader(loader.name, loader, origin=path)
    if spec is None:
        raise ImportError(path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where its classes look their annotations up
    try:
        loader.exec_module(module)
    except BaseException:
        del sys.modules[spec.name]
        raise
    return module
