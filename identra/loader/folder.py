"""A folder of single-file plugins: read only where nobody but root could have written it.

Whoever can write there runs code in the service. So a service that was broken into must not be able
to, nor anybody who shares the machine.
"""

from __future__ import annotations

import os
import stat
from importlib.abc import SourceLoader
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = 0
_OTHERS: Final = stat.S_IWGRP | stat.S_IWOTH


class FolderError(Exception):
    """The folder or a file in it can't be used: one line that names it."""


def plugin_files(directory: str) -> tuple[Path, ...]:
    """The `*.py` files of a folder, by name. Raises FolderError unless all is root's alone."""
    try:
        folder = Path(directory).resolve(strict=True)
        for place in (*reversed(folder.parents), folder):
            _demand_safe(place, place.stat(), is_last=place == folder)
        return tuple(sorted(_files(folder)))
    except OSError as fault:
        raise FolderError(f"{fault.filename or directory}: {fault.strerror}") from fault


class SingleFile(SourceLoader):
    """Reads one file's source: no compiled copy is believed or left behind."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.name = f"identra_folder.{Path(path).stem}"

    def get_filename(self, fullname: str) -> str:
        """Where its source is."""
        del fullname
        return self.path

    def get_data(self, path: bytes | str) -> bytes:
        """Its bytes, if the file that is now open is still root's alone. Raises OSError."""
        if os.fspath(path) != self.path:
            raise FileNotFoundError(path)
        with Path(self.path).open("rb") as file:
            if why := objection(os.fstat(file.fileno())):
                raise PermissionError(why)
            return file.read()


def objection(found: os.stat_result, *, is_above: bool = False) -> str | None:
    """Why what is found could have been written by somebody else than root, or None.

    A folder above may be open to all if it is sticky: what is root's there stays in its place.
    """
    if found.st_uid != ROOT:
        return "does not belong to root"
    if found.st_mode & _OTHERS and not (is_above and found.st_mode & stat.S_ISVTX):
        return "can be written by others than its owner"
    return None


def _files(folder: Path) -> Iterator[Path]:
    for file in folder.glob("*.py"):
        found = file.lstat()
        if not stat.S_ISREG(found.st_mode):
            raise FolderError(f"{file}: is no plain file")
        _demand_safe(file, found, is_last=True)
        yield file


def _demand_safe(place: Path, found: os.stat_result, *, is_last: bool) -> None:
    why = objection(found, is_above=not is_last)
    if why is None and is_last and os.geteuid() != ROOT and os.access(place, os.W_OK):
        why = "can be written by the service"  # by an access list beyond owner and group
    if why:
        raise FolderError(f"{place}: {why}")
