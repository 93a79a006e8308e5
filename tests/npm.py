"""Node, and the packages of tests/node as its lock names them."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
from pathlib import Path

import servers

HOME = Path(__file__).parent / "node"
PATIENCE = 300


def modules() -> Path:
    """tests/node/node_modules, installed if it is not what the lock says."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        servers.missing("Node")
    installed, mark = HOME / "node_modules", HOME / "node_modules/.of-lock"
    names = HOME / "package-lock.json"
    lock = hashlib.sha256(names.read_bytes()).hexdigest()
    with names.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)  # other tests beside this one want them too
        if not mark.is_file() or mark.read_text() != lock:
            done = subprocess.run([npm, "ci"], cwd=HOME, check=False, timeout=PATIENCE)
            if done.returncode:
                servers.missing("what tests/node/package-lock.json names")
            mark.write_text(lock)
    return installed


def run(modules: Path, folder: Path, program: str, *arguments: str, given: str = "") -> str:
    """What a program in `folder` prints, with the packages within its reach."""
    (folder / "node_modules").symlink_to(modules)
    (folder / "package.json").write_text('{"type": "module"}')
    done = subprocess.run(
        ["node", program, *arguments],
        cwd=folder, input=given, capture_output=True, text=True, check=False, timeout=PATIENCE,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout
