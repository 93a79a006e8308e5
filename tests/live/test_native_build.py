"""`make install NATIVE=1` builds what hashes passwords on the spot, from a locked source."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PATIENCE = 900
ASK = """
from importlib.metadata import distribution
from argon2 import PasswordHasher
hasher = PasswordHasher()
assert hasher.verify(hasher.hash("a secret"), "a secret")
print(distribution("argon2-cffi-bindings").read_text("WHEEL"))
"""


@pytest.mark.long
def test_the_build_is_made_for_this_machine_and_kept(tmp_path: Path) -> None:
    venv = tmp_path / "venv"
    make("install", "NATIVE=1", f"VENV={venv}")
    built = tags(venv)
    assert built
    assert not [tag for tag in built if "manylinux" in tag or "musllinux" in tag]
    make("install", f"VENV={venv}")
    assert tags(venv) == built


def make(*words: str) -> None:
    done = subprocess.run(
        ["make", *words], capture_output=True, text=True, timeout=PATIENCE, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr


def tags(venv: Path) -> list[str]:
    told = subprocess.run(
        [venv / "bin/python", "-c", ASK], capture_output=True, text=True, check=True
    )
    return [line for line in told.stdout.splitlines() if line.startswith("Tag: ")]
