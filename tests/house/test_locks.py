"""The locks name versions and hashes, and no place that they come from."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PYTHON, NODE = ROOT / "requirements.lock", ROOT / "tests/node/package-lock.json"
NATIVE = ROOT / "native.lock"
BUILD = ROOT / "build.lock"
ROLE = ROOT / "ansible/roles/identra/files/requirements.lock"
"""What hosts and the image get."""


@pytest.mark.parametrize("lock", [PYTHON, NATIVE, BUILD, ROLE, NODE], ids=lambda lock: lock.name)
def test_a_lock_names_no_registry(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")
    assert re.findall(r"[a-z+]*://\S+", text) == []
    assert re.findall(r"^-.*|.*\bresolved\b.*", text, re.MULTILINE) == []


def test_every_npm_package_has_its_version_and_hash() -> None:
    packages = json.loads(NODE.read_text(encoding="utf-8"))["packages"]
    named = {path: held for path, held in packages.items() if path}
    assert named
    for path, held in named.items():
        assert re.fullmatch(r"\d+\.\d+\.\d+", held["version"]), path
        assert held["integrity"].startswith("sha512-"), path


def test_the_npm_lock_is_of_its_package_file() -> None:
    asked = json.loads((NODE.parent / "package.json").read_text(encoding="utf-8"))["dependencies"]
    packages = json.loads(NODE.read_text(encoding="utf-8"))["packages"]
    assert packages[""]["dependencies"] == asked
    for name, version in asked.items():
        assert packages[f"node_modules/{name}"]["version"] == version


@pytest.mark.parametrize("lock", [PYTHON, BUILD, ROLE], ids=["development", "build", "role"])
def test_every_python_package_has_its_version_and_hash(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line[:1].isalnum()]
    assert lines
    for line in lines:
        assert re.match(r"[a-z0-9._-]+==\S+ (; .* )?\\$", line), line
    assert text.count("--hash=sha256:") >= len(lines)


def test_hosts_get_what_the_tests_ran_with() -> None:
    """Whole, since nothing is resolved there, and in no version that was never tried."""
    said = tomllib.loads((ROOT / "pyproject.toml").read_text())
    for lock, asked in (
        (ROLE, said["project"]["dependencies"]),
        (BUILD, said["build-system"]["requires"]),
    ):
        given = _versions(lock)
        assert given.items() <= _versions(PYTHON).items()
        assert {re.split(r"[<>=\[]", one)[0] for one in asked} <= given.keys()


def _versions(lock: Path) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9._-]+)==(\S+)", lock.read_text(), re.MULTILINE))
