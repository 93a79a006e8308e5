"""A small disk of a test's own, that it can fill and free."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

from machines import missing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PIECE = b"\0" * 4096


@contextmanager
def small_disk(at: Path, megabytes: int) -> Iterator[Path]:
    """A file system of so many megabytes."""
    mount, unmount = shutil.which("mount"), shutil.which("umount")
    if os.geteuid() != 0 or not mount or not unmount:
        missing("the right to mount a small disk")
    at.mkdir()
    done = subprocess.run(
        [mount, "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0777", "tmpfs", str(at)],
        check=False,
        capture_output=True,
    )
    if done.returncode:
        missing("the right to mount a small disk")
    try:
        yield at
    finally:
        subprocess.run([unmount, "--lazy", str(at)], check=True)


@contextmanager
def full(disk: Path) -> Iterator[None]:
    """Not a byte is free meanwhile."""
    ballast = disk / "ballast"
    try:
        with ballast.open("wb", buffering=0) as file:
            try:
                while file.write(PIECE):
                    pass
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
        yield
    finally:
        ballast.unlink(missing_ok=True)
