"""A small disk of a test's own, that it can fill and free."""

from __future__ import annotations

import errno
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from machines import missing

if TYPE_CHECKING:
    from collections.abc import Iterator

PIECE = b"\0" * 4096


@contextmanager
def small_disk(megabytes: int) -> Iterator[Path]:
    """A file system of so many megabytes, which servers' accounts may use."""
    mount, unmount = shutil.which("mount"), shutil.which("umount")
    at = Path(tempfile.mkdtemp(prefix="identra-disk-"))
    at.chmod(0o755)
    size = ["-o", f"size={megabytes}m,mode=0777"]
    try:
        if not mount or not unmount or _fails([mount, "-t", "tmpfs", *size, "tmpfs", str(at)]):
            missing("the right to mount a small disk")
        try:
            yield at
        finally:
            subprocess.run([unmount, "--lazy", str(at)], check=True)
    finally:
        at.rmdir()


def _fails(command: list[str]) -> bool:
    return subprocess.run(command, check=False, capture_output=True).returncode != 0


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
