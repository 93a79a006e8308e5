"""The roles for plain hosts state their inputs once, and leave the service time to stop."""

from __future__ import annotations

import json
import re
import runpy
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import pytest
import yaml
from pydantic import BaseModel, SecretStr

from identra.settings import SettingsTree
from identra.settings.outline import mentions
from identra.workers import LONGEST_STOP

if TYPE_CHECKING:
    from collections.abc import Iterator

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
    tasks = _tasks(role / "tasks/preflight.yml")
    told = {module for task in tasks for module in task if module.startswith("ansible.builtin.")}
    looks = {"assert", "command", "set_fact", "stat", "systemd", "validate_argument_spec"}
    assert {module.removeprefix("ansible.builtin.") for module in told} <= looks
    assert all(
        "ansible.builtin.command" not in task or task["changed_when"] is False for task in tasks
    )


def _tasks(file: Path) -> list[dict[str, Any]]:
    """The tasks of a file, and of those that it imports."""
    tasks: list[dict[str, Any]] = []
    for task in read(file):
        other = task.get("ansible.builtin.import_tasks")
        tasks += _tasks(file.parent / other) if other else [task]
    return tasks


def _refused_as_secret() -> re.Pattern[str]:
    tasks = _tasks(ROOT / "ansible/roles/identra/tasks/preflight.yml")
    (said,) = [one["vars"]["identra_now_secret"] for one in tasks if "secrets among" in one["name"]]
    return re.compile(said)


def _leaves(model: type[BaseModel]) -> Iterator[tuple[str, bool]]:
    """Every key of the settings, and whether its value is a secret."""
    for name, told in model.model_fields.items():
        inner = list(_models(told.annotation))
        for one in inner:
            yield from _leaves(one)
        if not inner:
            yield told.alias or name, mentions(told.annotation, SecretStr)


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)


def test_no_secret_passes_as_a_setting_and_no_setting_for_a_secret() -> None:
    """What stands among the settings of a host is shown by `--diff`, and in a file of its group."""
    pattern, leaves = _refused_as_secret(), list(_leaves(SettingsTree))
    assert {name for name, secret in leaves if secret} == {"password", "secrets"}
    for name, secret in [*leaves, ("client_secret", True), ("private_key", True)]:
        for value in ("of-somebody", ["of-somebody"]):
            said = json.dumps({"section": {name: value}})
            assert bool(pattern.search(said)) is secret, name
    for section in SettingsTree.model_fields:
        assert not pattern.search(json.dumps({section: {"key": 1}})), section


def test_what_opens_backups_is_on_no_disk_of_a_host() -> None:
    """A file that is copied lies in a temporary folder on its way, which a connection does not."""
    told = read(ROOT / "ansible/playbooks/tasks/restore.yml")
    (block,) = [task["block"] for task in told if "always" in task]
    (brings,) = [task for task in block if "restore_now_identity" in json.dumps(task)]
    assert brings["ansible.builtin.command"]["stdin"]
    assert brings["vars"]["ansible_pipelining"] is True
    assert brings["no_log"] is True


def test_a_leaked_key_is_revoked_though_the_first_host_is_off() -> None:
    """It may have been switched off for this very reason."""
    play = read(ROOT / "ansible/playbooks/emergency_rotate.yml")[0]
    assert play["hosts"] == "app"
    assert all(task["run_once"] for task in play["tasks"])


def test_a_password_is_kept_as_given_once_it_was() -> None:
    """Else a run that stops between the two leaves an account that is never given its password."""
    (block,) = [
        task["block"]
        for task in read(ROOT / "ansible/roles/postgresql/tasks/main.yml")
        if "block" in task
    ]
    names = [task["name"] for task in block]
    assert names.index("Give it to the account") < names.index("Keep it, to know when it changes")


def test_nobody_is_sent_where_a_caller_names() -> None:
    text = (ROOT / "ansible/roles/proxy/templates/identra.conf.j2").read_text()
    (redirect,) = re.findall(r"return 301 (\S+)", text)
    assert redirect == "https://{{"
    assert "$host" not in re.findall(r"return 301 .*", text)[0]


def test_an_address_of_ipv6_is_asked_as_one() -> None:
    """It answers there over REST, and is then asked over gRPC."""
    with _Six(("::1", 0), _Ready) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        answers = runpy.run_path(str(ROOT / "ansible/roles/identra/files/answers.py"))
        told = answers["fault"]("::1", str(server.server_address[1]), "9")
        server.shutdown()
    assert told.startswith("gRPC does not answer")


class _Six(ThreadingHTTPServer):
    address_family = socket.AF_INET6


class _Ready(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"status": "ready", "keys": [{}]}')

    def log_message(self, *_: Any) -> None:
        pass


def test_the_unit_leaves_the_service_time_to_stop() -> None:
    unit = (ROOT / "ansible/roles/identra/templates/units/identra.service.j2").read_text()
    found = re.search(r"TimeoutStopSec=(\d+)", unit)
    assert found
    assert int(found[1]) > LONGEST_STOP
