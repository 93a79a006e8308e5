"""A backup is made, its host is destroyed, and a fresh one takes its place."""

from __future__ import annotations

import json
import os.path
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import load
import plays
import pytest
from desk import Desk
from hosts import Host

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from plays import Site

GROUPS = {"sqlite": ["app"], "postgres": ["app", "database", "redis"]}
SECRETS = {"postgresql_password": "p0stgres-of-the-test", "redis_password": "r3dis-of-the-test-!"}
STORES = {
    "persistence": {
        "driver": "postgres",
        "host": "127.0.0.1",
        "name": "identra",
        "user": "identra",
    },
    "redis": {"urls": ["127.0.0.1:6379"]},
}
NAMED = {
    "persistence.password": SECRETS["postgresql_password"],
    "redis.password": SECRETS["redis_password"],
}
METRICS = {"metrics": {"port": 9464}}
SENT = "admin@127.0.0.1:sent"
EVERYWHERE = "~ /etc /opt /run /tmp /usr/local /var"


@dataclass
class Kept:
    """What the operator has beside the hosts."""

    site: Site
    kind: str
    identity: Path
    fetched: Path

    def groups(self, name: str) -> dict[str, list[str]]:
        return {group: [name] for group in (*GROUPS[self.kind], "backup", "monitoring")}


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def kept(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, common: dict[str, Any]
) -> Iterator[Kept]:
    folder, stores = tmp_path_factory.mktemp("site"), request.param == "postgres"
    said = common | {"identra_settings": METRICS | (STORES if stores else {})}
    said |= SECRETS | {"identra_secrets": NAMED} if stores else {}
    with plays.opened(folder, {"app": ["old1"]}, said) as site:
        identity, old = folder / "identity", site.host("old1")
        server = " ".join(old.run("cat /etc/ssh/ssh_host_ed25519_key.pub").stdout.split()[:2])
        site.variables["backup_recipients"] = [_identity(old, identity)]
        site.variables |= {"backup_send_to": SENT, "backup_send_host_key": server}
        kept = Kept(site, request.param, identity, folder / "fetched")
        site.groups = kept.groups("old1")
        site.played("site")
        old.run("cat /etc/identra/backup/ssh.pub >>~admin/.ssh/authorized_keys")
        old.run("install -d -o admin ~admin/sent")
        yield kept
    Host("new1").destroy()


def _identity(host: Host, file: Path) -> str:
    """Made on a host, since the controller needs no age; nothing of it is left there."""
    host.run("apt-get -qq update && apt-get -qq install --no-install-recommends --yes age")
    file.write_text(host.run("age-keygen 2>/dev/null").stdout)
    file.chmod(0o600)
    return next(line.split()[-1] for line in file.read_text().splitlines() if "public key" in line)


def test_a_second_run_changes_nothing(kept: Kept) -> None:
    assert kept.site.played("site").changed == 0
    assert kept.site.played("site", "--check").changed == 0


def test_the_metrics_are_read_and_the_rules_judged(kept: Kept) -> None:
    desk = Desk(kept.site.host("old1"))
    asked = "/api/v1/query?query=identra_build_info"
    (built,) = desk.ask(asked, port=9090)["data"]["result"]
    assert (built["metric"]["job"], built["metric"]["instance"]) == ("identra", "old1")
    (rules,) = desk.ask("/api/v1/rules", port=9090)["data"]["groups"]
    assert {rule["health"] for rule in rules["rules"]} <= {"ok", "unknown"}
    assert "IdentraDown" in {rule["name"] for rule in rules["rules"]}
    told = desk.host.run("ss --listening --tcp --numeric --no-header 'sport = 9090'").stdout
    assert told.split()[3] == "127.0.0.1:9090"


def test_the_unit_is_confined(kept: Kept) -> None:
    told = kept.site.host("old1").run("systemd-analyze security identra-backup | tail -1").stdout
    assert float(told.split(": ")[1].split()[0]) <= 1.5


def test_what_its_own_master_keys_do_not_open_is_no_backup(kept: Kept) -> None:
    host = kept.site.host("old1")
    begun, before = host.run("date +%s").stdout.strip(), _backups(host)
    key = "/etc/identra/keys/master.key"
    host.run(f"mv {key} /run/ && /opt/identra/current/bin/identra keys new-master-key {key}")
    try:
        assert host.run("systemctl start identra-backup", check=False).returncode != 0
    finally:
        host.run(f"mv /run/master.key {key}")
    told = host.run(f"journalctl -o cat -t identra-backup --since=@{begun}").stdout
    assert "the ring in the backup can't be opened" in told
    assert _backups(host) == before


def _backups(host: Host, folder: str = "/var/backups/identra") -> list[str]:
    return host.run(f"ls {folder}").stdout.split()


def test_the_timer_makes_one_and_sends_it(kept: Kept) -> None:
    host, extra = kept.site.host("old1"), "/run/systemd/system/identra-backup.timer.d"
    soon = "[Timer]\nOnCalendar=\nOnCalendar=*:*:0/10\nRandomizedDelaySec=0\n"
    again = "systemctl daemon-reload && systemctl restart identra-backup.timer"
    before = _backups(host)
    host.run(f"mkdir -p {extra} && printf '{soon}' >{extra}/soon.conf && {again}")
    try:
        load.patiently(lambda: _demand_more(host, before))
    finally:
        host.run(f"rm -r {extra} && {again}")
        host.run("timeout 60 sh -c 'while systemctl -q is-active identra-backup; do sleep 1; done'")
    assert host.run("systemctl show -p Result --value identra-backup").stdout == "success\n"
    (sent, *_) = set(_backups(host)) - set(before)
    same = f"diff --recursive /var/backups/identra/{sent} ~admin/sent/{sent}"
    assert host.run(same).stdout == ""


def _demand_more(host: Host, before: list[str]) -> None:
    assert set(_backups(host, "~admin/sent")) - set(before)


def test_a_fresh_host_takes_the_place_of_one_that_is_gone(kept: Kept) -> None:
    old = Desk(kept.site.host("old1"))
    old.welcome("ada@example.com")
    pair, kids = old.sign_in("ada@example.com"), old.kids()
    kept.site.played("backup", fetch_to=str(kept.fetched))
    old.welcome("bob@example.com")
    (backup,) = kept.fetched.iterdir()
    assert "ada" not in (backup / "backup.json").read_text()
    old.host.destroy()

    fresh = Host("new1")
    fresh.boot()
    kept.site.groups = kept.groups("new1")
    going_on = kept.kind == "sqlite"  # what ends sessions is the same on every database
    said = {
        "restore_from": str(backup),
        "restore_identity": os.path.relpath(kept.identity, plays.HOME),
    }
    kept.site.played("restore", **said | ({"end_sessions": False} if going_on else {}))

    new = Desk(fresh)
    assert kids <= new.kids()
    subject = new.verify(pair)["sub"]
    assert new.verify(new.sign_in("ada@example.com"))["sub"] == subject
    refreshed = new.refresh(pair)
    if going_on:
        assert new.verify(refreshed["token"])["sub"] == subject
    else:
        assert refreshed["reason"] == "INVALID_REFRESH_TOKEN"
    assert fresh.run("identra users show bob@example.com", check=False).returncode == 1
    _nothing_told(kept, fresh)
    assert kept.site.played("site").changed == 0
    again = kept.site.play("restore", **said)
    assert again.code != 0
    assert "empty hosts only" in " ".join(again.said.split())


def _nothing_told(kept: Kept, host: Host) -> None:
    """What opens backups is nowhere on the host, and no secret is in journal or output."""
    secret = next(
        line for line in kept.identity.read_text().splitlines() if line.startswith("AGE-SECRET")
    )
    assert host.run(f"grep -rlF {secret} {EVERYWHERE}", check=False).stdout == ""
    told = host.run("journalctl --no-pager; cat /etc/systemd/system/*.service").stdout
    output = (kept.site.folder / "plays.log").read_text()
    for word in (secret, *SECRETS.values()):
        assert word not in told
        assert word not in output


def test_a_backup_that_was_changed_is_not_used(kept: Kept) -> None:
    host = Host("new1")
    (there,) = host.run("ls -d /var/backups/identra/*Z").stdout.split()
    program = "/etc/identra/current/release/bin/python /usr/local/lib/identra/identra-backup"
    host.run(f"cp -r {there} /tmp/changed && printf x >> /tmp/changed/secrets.age")
    done = host.run(f"{program} keys /tmp/changed /dev/null /tmp", check=False)
    assert (done.returncode, done.stderr) == (
        1,
        "identra-backup: /tmp/changed/secrets.age is not as it was made\n",
    )
    assert json.loads(host.run(f"cat {there}/backup.json").stdout)["driver"] == kept.kind
