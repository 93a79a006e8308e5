"""The roles for plain hosts state their inputs once, and leave the service time to stop."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from identra.workers import LONGEST_STOP

ROOT = Path(__file__).parents[2]
ROLES = sorted((ROOT / "ansible/roles").iterdir())


def named(role: Path) -> str:
    return role.name


def read(file: Path) -> Any:
    return yaml.safe_load(file.read_text(encoding="utf-8"))


@pytest.mark.parametrize("role", ROLES, ids=named)
def test_a_default_is_what_the_inputs_say(role: Path) -> None:
    options = read(role / "meta/argument_specs.yml")["argument_specs"]["main"]["options"]
    assert all(name.startswith(f"{role.name}_") for name in options)
    said = {name: one["default"] for name, one in options.items() if "default" in one}
    assert read(role / "defaults/main.yml") == said
    assert all("default" in one or one.get("required") for one in options.values())
    assert all(one.get("description") for one in options.values())


@pytest.mark.parametrize("role", ROLES, ids=named)
def test_a_secret_is_never_logged(role: Path) -> None:
    options = read(role / "meta/argument_specs.yml")["argument_specs"]["main"]["options"]
    for name, one in options.items():
        if re.search(r"password|secrets$|passphrase", name):
            assert one.get("no_log"), name


@pytest.mark.parametrize("role", ROLES, ids=named)
def test_a_role_refuses_before_it_touches(role: Path) -> None:
    text = (role / "tasks/preflight.yml").read_text(encoding="utf-8")
    told = {module for task in yaml.safe_load(text) for module in task if "." in module}
    looks = {"assert", "command", "set_fact", "stat", "systemd", "validate_argument_spec"}
    assert {module.removeprefix("ansible.builtin.") for module in told} <= looks


def test_the_unit_leaves_the_service_time_to_stop() -> None:
    unit = (ROOT / "ansible/roles/identra/templates/units/identra.service.j2").read_text()
    found = re.search(r"TimeoutStopSec=(\d+)", unit)
    assert found
    assert int(found[1]) > LONGEST_STOP
