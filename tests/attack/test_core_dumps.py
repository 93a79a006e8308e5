"""The attacker reads the disk after a crash, or shares the service's user: no picture of a
process that signs is left, and none can be taken.
"""

from __future__ import annotations

import asyncio
import base64
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import running
import servers

from identra.app import build
from identra.settings import load

FORBIDDING = "from identra import coredump; coredump.forbid(); "
ABORTS = "import os; os.abort()"
OTHER_USER = 65_534


def _dumps(folder: Path, words: str) -> bool:
    """Whether a process that may leave a core dump of any size does so when it aborts."""
    done = subprocess.Popen([sys.executable, "-c", words], cwd=folder, preexec_fn=_unlimited)  # noqa: PLW1509 - no thread is about
    _, status = os.waitpid(done.pid, 0)
    done.returncode = -os.WTERMSIG(status)
    assert os.WTERMSIG(status) == signal.SIGABRT
    return os.WCOREDUMP(status)


def _unlimited() -> None:
    _, most = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (most, most))


def test_what_is_forbidden_to_leave_a_dump_leaves_none(tmp_path: Path) -> None:
    if not _dumps(tmp_path, ABORTS):
        servers.missing("a kernel that dumps core")
    assert not _dumps(tmp_path, FORBIDDING + ABORTS)


def test_a_worker_that_aborts_leaves_nothing_of_the_private_key(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_CORE)
    home = Path.cwd()
    work = tmp_path / "work"
    work.mkdir()
    os.chdir(work)
    _unlimited()
    try:
        with running.identra(tmp_path, "--workers", "2") as service:
            private = _private(tmp_path / "identra.toml")
            for pid in (service.process.pid, *service.workers()):
                limit = Path(f"/proc/{pid}/limits").read_text().partition("core file size")[2]
                assert limit.split()[:2] == ["0", "0"]
            victim = service.workers()[0]
            os.kill(victim, signal.SIGABRT)
            until = time.monotonic() + running.PATIENCE
            while victim in service.workers():
                assert time.monotonic() < until
                time.sleep(0.05)
            assert service.stop() == 0
    finally:
        os.chdir(home)
        resource.setrlimit(resource.RLIMIT_CORE, before)
    assert list(work.iterdir()) == []
    for file in tmp_path.rglob("*"):
        held = file.read_bytes() if file.is_file() else b""
        assert [form for form in private if form in held] == [], file


def _private(file: Path) -> list[bytes]:
    """The private exponent as it may lie in memory or on a disk."""

    async def ask() -> str:
        hall = await build(load(file, {}))
        try:
            return str(hall.keys.signer().jwk.export_private(as_dict=True)["d"])
        finally:
            await hall.close()

    told = asyncio.run(ask())
    raw = base64.urlsafe_b64decode(told + "==")
    return [told.encode(), raw, raw[::-1], raw.hex().encode()]


def test_its_own_user_can_not_read_it(tmp_path: Path) -> None:
    """Nor can it be debugged. Seen as a user who is not root, for root may read everything."""
    told = subprocess.run(
        [sys.executable, "-c", WATCHED], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert told.stdout.split() == ["True", "False"]


WATCHED = f"""
import os, pathlib, sys
from identra import coredump
if os.geteuid() == 0:
    os.setresgid({OTHER_USER}, {OTHER_USER}, {OTHER_USER})
    os.setresuid({OTHER_USER}, {OTHER_USER}, {OTHER_USER})
import ctypes
ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)

def readable(pid):
    try:
        pathlib.Path(f"/proc/{{pid}}/mem").open("rb").close()
        return True
    except PermissionError:
        return False

def child(act):
    told, tell = os.pipe()
    pid = os.fork()
    if pid == 0:
        act()
        os.write(tell, b"x")
        os.read(0, 1)
        os._exit(0)
    os.read(told, 1)
    found = readable(pid)
    os.kill(pid, 9)
    os.waitpid(pid, 0)
    return found

os.dup2(os.pipe()[0], 0)
print(child(lambda: None), child(coredump.forbid))
"""
