"""What can't work is refused before anything is touched: no host is needed to see that."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import plays
import pytest

if TYPE_CHECKING:
    from pathlib import Path

KEY = "age1" + "q" * 58
PASSWORDS = dict.fromkeys(("postgresql_password", "redis_password"), "sixteen-letters-!")
METRICS = {"identra_settings": {"metrics": {"port": 9464}}}
REFUSED: list[tuple[str, str, dict[str, Any], str, str]] = [
    ("nobody", "backup", {}, "backup_recipients", "make one with age-keygen"),
    ("no key", "backup", {"backup_recipients": ["age1no"]}, "backup_recipients", "age-keygen"),
    ("unknown", "backup", {"backup_keep": 3}, "backup_keep", "correct its name"),
    (
        "none kept",
        "backup",
        {"backup_recipients": [KEY], "backup_kept": 0},
        "backup_kept",
        "at least 1",
    ),
    (
        "sent to anybody",
        "backup",
        {"backup_recipients": [KEY], "backup_send_to": "me@vault:here"},
        "backup_send_host_key",
        "set both, or neither",
    ),
    (
        "no tool",
        "backup",
        {"backup_recipients": [KEY], "identra_settings": {"persistence": {"driver": "cockroach"}}},
        "identra_settings.persistence.driver",
        "use its own BACKUP",
    ),
    ("no metrics", "monitoring", {}, "identra_settings", "add metrics with port 9464"),
    (
        "no port",
        "monitoring",
        METRICS | {"monitoring_listen": "127.0.0.1"},
        "monitoring_listen",
        "add the port",
    ),
    ("no time", "monitoring", METRICS | {"monitoring_kept": "long"}, "monitoring_kept", "as 30d"),
    ("unknown to redis", "redis", PASSWORDS | {"redis_port": 1}, "redis_port", "correct its name"),
    (
        "unknown to postgresql",
        "postgresql",
        PASSWORDS | {"postgresql_listens": []},
        "postgresql_listens",
        "correct its name",
    ),
    (
        "unknown to the proxy",
        "proxy",
        {"proxy_server_name": "id.example.com", "proxy_internal_ca": True, "proxy_ports": [1]},
        "proxy_ports",
        "correct its name",
    ),
    ("no backup", "restore.yml", {}, "restore_from", "name one that was fetched"),
    (
        "no word",
        "emergency_rotate.yml",
        {"end_sessions": "perhaps"},
        "end_sessions",
        "true or false",
    ),
]


@pytest.mark.parametrize(
    ("what", "said", "variable", "remedy"),
    [each[1:] for each in REFUSED],
    ids=[each[0] for each in REFUSED],
)
def test_one_sentence_names_variable_and_remedy(
    tmp_path: Path, what: str, said: dict[str, Any], variable: str, remedy: str
) -> None:
    code, told = _play(tmp_path, what, said)
    assert code != 0
    sentence = " ".join(told.split())
    assert variable in sentence
    assert remedy in sentence
    assert "changed=0" in told


def test_a_host_outside_of_the_group_app_is_refused(tmp_path: Path) -> None:
    for role in ("backup", "monitoring"):
        code, told = _play(tmp_path, role, {}, group=role)
        assert code != 0
        assert f"is in the group {role} and not in app" in told


def _play(folder: Path, what: str, said: dict[str, Any], group: str = "app") -> tuple[int, str]:
    """Run a playbook, or a role's preflight, against this machine as if it were a host."""
    book = plays.HOME / "playbooks" / what
    if not what.endswith(".yml"):
        book = folder / "play.yml"
        task = {
            "name": "Look",
            "ansible.builtin.include_role": {"name": what, "tasks_from": "preflight"},
        }
        book.write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": [task]}]))
    this = {"ansible_connection": "local", "ansible_become": False}
    here = {"here": this | {"ansible_python_interpreter": sys.executable}}
    inventory = {"all": {"hosts": here, "children": {group: {"hosts": {"here": {}}}}}}
    (folder / "inventory.json").write_text(json.dumps(inventory))
    (folder / "said.json").write_text(json.dumps(said))
    words = ["-i", folder / "inventory.json", "-e", f"@{folder}/said.json", book]
    done = subprocess.run(
        [f"{plays.ANSIBLE}/ansible-playbook", *words],
        cwd=plays.HOME, env=plays.clean(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr
