"""The page on the roles' variables, and their defaults, held to their argument specifications."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
ROLES = sorted(folder.name for folder in (ROOT / "ansible/roles").iterdir())


def _read(role: str, file: str) -> Any:
    return yaml.safe_load((ROOT / "ansible/roles" / role / file).read_text(encoding="utf-8"))


def _options(role: str) -> dict[str, dict[str, Any]]:
    options: dict[str, dict[str, Any]] = _read(role, "meta/argument_specs.yml")["argument_specs"][
        "main"
    ]["options"]
    return options


def test_the_page_says_what_the_roles_take() -> None:
    written = runpy.run_path(str(ROOT / "ansible/reference.py"))
    assert (ROOT / "docs/reference/ansible.md").read_text() == written["page"](), "make variables"


@pytest.mark.parametrize("role", ROLES)
def test_a_role_has_the_defaults_that_it_says(role: str) -> None:
    said = {name: o["default"] for name, o in _options(role).items() if "default" in o}
    assert _read(role, "defaults/main.yml") == said


@pytest.mark.parametrize("role", ROLES)
def test_a_variable_is_named_for_its_role_and_described(role: str) -> None:
    for name, said in _options(role).items():
        assert name.startswith(f"{role}_")
        assert said["description"]
        assert said.get("required") or "default" in said


def test_the_alert_rules_on_hosts_are_those_of_the_project() -> None:
    ours = (ROOT / "configs/alerts.yml").read_text()
    assert (ROOT / "ansible/roles/monitoring/files/alerts.yml").read_text() == f"---\n{ours}"
