"""Hosts for the tests of the roles: real ones, with systemd."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from typing import TYPE_CHECKING, Any

import ground
import hosts
import plays
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOCK = plays.HOME / "roles/identra/files/requirements.lock"


@pytest.fixture(scope="session", autouse=True)
def hosting() -> Iterator[None]:
    """Nothing of a run before is left, nor of this one."""
    try:
        hosts.demand()
    except hosts.CannotHost as fault:
        if os.environ.get("IDENTRA_TEST_REQUIRE") == "all":
            pytest.fail(str(fault))
        pytest.skip(str(fault))
    ground.HOSTS.mkdir(parents=True, exist_ok=True)
    with (ground.HOSTS / "session").open("w") as session:
        try:
            fcntl.flock(session, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pytest.exit("another run has these hosts: set IDENTRA_TEST_REALM to another number")
        _forget()
        yield
        _forget()


def _forget() -> None:
    for host in () if plays.KEEPS else hosts.every():
        host.destroy()


@pytest.fixture(scope="session")
def wheels() -> Path:
    """A wheelhouse of what the hosts need beside the program, fetched once for each lock.

    The conditions in the lock are left out: a host's Python may be another than this one.
    """
    text = LOCK.read_text(encoding="utf-8")
    made_of = f"{ground.PYTHON}\n{text}".encode()
    made = ground.BASES / f"wheels-{hashlib.sha256(made_of).hexdigest()[:12]}.tar"
    if not made.exists():
        folder = made.with_suffix("")
        folder.mkdir(parents=True, exist_ok=True)
        asked = folder.with_suffix(".lock")
        asked.write_text(re.sub(r" ; [^\\]*", " ", text))
        words = ["download", "--quiet", "--no-deps", "--require-hashes", "-d", str(folder)]
        words += ["--only-binary", ":all:", "--python-version", ground.PYTHON]
        subprocess.run(
            [sys.executable, "-m", "pip", *words, "-r", str(asked)],
            check=True,
            stderr=subprocess.DEVNULL,
        )
        with tarfile.open(made.with_suffix(".part"), "w") as packed:
            packed.add(folder, arcname=".")
        made.with_suffix(".part").rename(made)
    return made


@pytest.fixture(scope="session")
def common(wheels: Path) -> dict[str, Any]:
    """What every site says: the program is this checkout."""
    return {
        "identra_public_url": "https://id.example.com",
        "identra_source": "checkout",
        "identra_checkout": str(plays.ROOT),
        "identra_wheelhouse": str(wheels),
    }


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for what, seconds in plays.TIMES:
        terminalreporter.write_line(f"{seconds:7.1f} s  {what}")


@pytest.fixture(scope="session")
def newer(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A wheel of this checkout, as sound as it is, that calls itself the next version."""
    return _next_version(tmp_path_factory.mktemp("newer"))


@pytest.fixture(scope="session")
def broken(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A wheel of this checkout that starts, says that it is ready, and answers no request well."""
    return _next_version(tmp_path_factory.mktemp("broken"), b"raise ValueError")


def _next_version(folder: Path, readiness: bytes = b"") -> str:
    """The wheel as version 0.1.1, with another line where readiness is told."""
    words = ["wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(plays.ROOT)]
    subprocess.run([sys.executable, "-m", "pip", *words], check=True, stderr=subprocess.DEVNULL)
    (wheel,) = folder.glob("identra-*.whl")
    made = folder / wheel.name.replace("0.1.0", "0.1.1")
    with zipfile.ZipFile(wheel) as sound, zipfile.ZipFile(made, "w") as other:
        for name in sound.namelist():
            text = sound.read(name)
            if name == "identra/http/health.py" and readiness:
                text = text.replace(b"found = await app.readiness()", readiness)
            if name.endswith("/METADATA"):
                text = text.replace(b"Version: 0.1.0", b"Version: 0.1.1")
            if not name.endswith("/RECORD"):
                other.writestr(name.replace("identra-0.1.0.dist", "identra-0.1.1.dist"), text)
        other.writestr("identra-0.1.1.dist-info/RECORD", "")
    return str(made)
