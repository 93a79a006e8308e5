"""What can't work is refused before anything is touched: no host is needed to see that."""

from __future__ import annotations

import hashlib
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
PROXY = {"proxy_server_name": "id.example.com", "proxy_internal_ca": True}
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
    (
        "no calendar",
        "backup",
        {"backup_recipients": [KEY], "backup_on_calendar": "every now and then"},
        "backup_on_calendar",
        "as systemd.time(7) does",
    ),
    (
        "another name",
        "proxy",
        PROXY | {"identra_public_url": "https://auth.example.com/id"},
        "identra_public_url",
        "the same name in both",
    ),
    (
        "other ports",
        "proxy",
        PROXY | {"identra_http_port": 8081},
        "identra_http_port",
        "say them as proxy_rest_port",
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
        PROXY | {"proxy_ports": [1]},
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


@pytest.mark.parametrize("listen", ["", "127.0.0.1", "0.0.0.0", "::"])
def test_a_proxy_that_would_reach_nobody_is_refused(tmp_path: Path, listen: str) -> None:
    """The service is on another host, and listens to itself or says no address."""
    said = {"identra_listen": listen} if listen else {}
    app = {"elsewhere": said | {"ansible_connection": "local"}}
    code, told = _play(tmp_path, "proxy", PROXY, group="proxy", app=app)
    sentence = " ".join(told.split())
    assert code != 0
    assert "identra_listen of elsewhere" in sentence
    assert "or name it in proxy_upstreams" in sentence


@pytest.fixture
def backup(tmp_path: Path) -> dict[str, str]:
    """What restore.yml is told: a backup that is whole, and an identity."""
    folder, sums = tmp_path / "20261126T032000Z", {}
    folder.mkdir()
    for name in ("database.age", "secrets.age"):
        (folder / name).write_text(name)
        sums[name] = hashlib.sha256(name.encode()).hexdigest()
    told = {"form": 1, "driver": "postgres", "sums": sums}
    (folder / "backup.json").write_text(json.dumps(told))
    (tmp_path / "identity").write_text("AGE-SECRET-KEY-1QQQ\n")
    return {"restore_from": str(folder), "restore_identity": str(tmp_path / "identity")}


def test_a_backup_of_another_kind_is_refused(tmp_path: Path, backup: dict[str, str]) -> None:
    code, told = _play(tmp_path, "restore.yml", backup)
    sentence = " ".join(told.split())
    assert code != 0
    assert (
        "The backup is of postgres, and identra_settings.persistence.driver is sqlite" in sentence
    )
    assert "changed=0" in told


def test_a_backup_that_was_changed_is_refused(tmp_path: Path, backup: dict[str, str]) -> None:
    with (tmp_path / "20261126T032000Z/secrets.age").open("a") as file:
        file.write("x")
    code, told = _play(tmp_path, "restore.yml", backup)
    assert code != 0
    assert "secrets.age in it is not as it was made" in " ".join(told.split())
    assert "changed=0" in told


def _play(
    folder: Path,
    what: str,
    said: dict[str, Any],
    group: str = "app",
    app: dict[str, dict[str, Any]] | None = None,
) -> tuple[int, str]:
    """Run a playbook, or a role's preflight, against this machine as if it were a host."""
    book = plays.HOME / "playbooks" / what
    if not what.endswith(".yml"):
        book = folder / "play.yml"
        task = {
            "name": "Look",
            "ansible.builtin.include_role": {"name": what, "tasks_from": "preflight"},
        }
        book.write_text(json.dumps([{"hosts": group, "gather_facts": False, "tasks": [task]}]))
    this = {"ansible_connection": "local", "ansible_become": False}
    here = {"here": this | {"ansible_python_interpreter": sys.executable}}
    groups = {"app": {"hosts": app}} if app else {}
    groups |= {group: {"hosts": {"here": {}}}}
    inventory = {"all": {"hosts": here, "children": groups}}
    (folder / "inventory.json").write_text(json.dumps(inventory))
    (folder / "said.json").write_text(json.dumps(said))
    words = ["-i", folder / "inventory.json", "-e", f"@{folder}/said.json", book]
    done = subprocess.run(
        [f"{plays.ANSIBLE}/ansible-playbook", *words],
        cwd=plays.HOME, env=plays.clean(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr
