"""What can't work is refused before harm, by a sentence that names variable and remedy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import plays
import pytest
from hosts import inventory

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plays import Site

LOOK = "find /etc /opt /usr/local /var/lib -newer /etc/hostname -not -path '*/systemd/*' | sort"

PLACE = {"persistence": {"driver": "postgres", "host": "127.0.0.1", "name": "identra"}}
"""Of hosts that are several: a file would be refused."""

SOUND = PLACE | {"password": {"min_length": 12}}
"""A section may be called as secrets are."""

WRONG: dict[str, tuple[dict[str, Any], str, str]] = {
    "no-url": ({"identra_public_url": ""}, "identra_public_url", "say where people reach"),
    "no-version": ({"identra_source": "index"}, "identra_version", "set identra_version"),
    "unknown": ({"identra_worker": 4}, "identra_worker", "correct its name"),
    "no-file": ({"identra_wheelhouse": "/none.tar"}, "identra_wheelhouse", "correct the path"),
    "secret": (
        {"identra_settings": {"smtp_mailer": {"password": "hunter2hunter2"}}},
        "identra_settings",
        "move it to identra_secrets",
    ),
    "secrets": (
        {"identra_settings": {"webhooks": {"app": {"secrets": ["hunter2hunter2"]}}}},
        "identra_settings",
        "move it to identra_secrets",
    ),
    "no-key": ({"identra_master_keys": []}, "identra_master_keys", "at least one file"),
    "elsewhere": ({"identra_master_keys": ["../key"]}, "identra_master_keys", "by letters"),
    "no-time": (
        {"identra_rotate_on_calendar": "every now and then"},
        "identra_rotate_on_calendar",
        "such as hourly",
    ),
    "in-an-url": (
        {"identra_index_url": "https://me:hunter2hunter2@wheels.example.com/simple"},
        "identra_index_url",
        "~root/.config/pip/pip.conf",
    ),
    "twice": ({"identra_settings": {"http_port": 9}}, "says http_port", "leave it out"),
    "one-port": ({"identra_grpc_port": 8080}, "identra_grpc_port", "another port"),
    "port-taken": ({"identra_http_port": 22}, "identra_http_port", "another port"),
    "kind": ({"identra_workers": "many"}, "identra_workers", "int"),
    "file": ({"identra_settings": {}}, "identra_settings.persistence.driver", "keep one host"),
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, common: dict[str, Any]) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("refusals")
    with plays.opened(folder, {"app": ["app1"]}, common) as site:
        yield site


@pytest.fixture(scope="module")
def refused(site: Site, common: dict[str, Any]) -> plays.Played:
    """One host under a name for each fault, so that one play meets all of them."""
    host = site.host("app1")
    before = host.run(LOOK).stdout
    reached = inventory({"app": ["app1"]})["all"]["hosts"]["app1"]
    names = {
        name: reached | common | {"identra_settings": PLACE} | said
        for name, (said, _, _) in WRONG.items()
    }
    names["sound"] = reached | common | {"identra_settings": SOUND}
    shared = {"ansible_user": "admin", "ansible_python_interpreter": "/usr/bin/python3"}
    app = {"app": {"hosts": {name: {} for name in names}}}
    hosts = {"all": {"hosts": names, "vars": shared, "children": app}}
    bare = plays.Site(site.folder, {}, {})
    done = bare.run(hosts, "site")
    assert done.changed == 0
    assert host.run(LOOK).stdout == before
    return done


@pytest.mark.parametrize("name", WRONG)
def test_a_variable_is_refused_before_anything_is_touched(refused: plays.Played, name: str) -> None:
    _, variable, remedy = WRONG[name]
    assert variable in refused.refusals[name]
    assert remedy in refused.refusals[name]
    assert "hunter2hunter2" not in refused.said


def test_one_that_is_refused_stops_all(refused: plays.Played) -> None:
    """Nothing is begun on hosts that belong to others which can't go along."""
    assert "Nothing further is touched, since" in refused.refusals["sound"]
    assert "no-url" in refused.refusals["sound"]


TAKEN: dict[str, tuple[int, dict[str, Any], str, str]] = {
    "database": (
        5432,
        {"postgresql_password": "sixteen-letters-!"},
        "identra_settings.persistence",
        "stop that",
    ),
    "redis": (6379, {"redis_password": "sixteen-letters-!"}, "identra_settings.redis", "stop that"),
    "proxy": (
        443,
        {"proxy_server_name": "id.example.com", "proxy_internal_ca": True},
        "proxy_port",
        "another port",
    ),
}


def test_a_port_that_another_program_answers_on_is_refused(site: Site) -> None:
    host = site.host("app1")
    reached = inventory({"app": ["app1"]})["all"]["hosts"]["app1"]
    for port, _, _, _ in TAKEN.values():
        host.run(f"systemd-run --unit=taker-{port} python3 -m http.server {port}")
        host.run(f"timeout 20 sh -c 'until ss -Htln | grep -q :{port}; do sleep 0.1; done'")
    shared = {"ansible_user": "admin", "ansible_python_interpreter": "/usr/bin/python3"}
    names = {f"on-{group}": reached | said for group, (_, said, _, _) in TAKEN.items()}
    groups = {group: {"hosts": {f"on-{group}": {}}} for group in TAKEN}
    try:
        hosts = {"all": {"hosts": names, "vars": shared, "children": groups}}
        done = plays.Site(site.folder, {}, {}).run(hosts, "site")
    finally:
        host.run("systemctl stop 'taker-*'")
    assert done.changed == 0
    for group, (port, _, variable, remedy) in TAKEN.items():
        assert str(port) in done.refusals[f"on-{group}"], done.said[-2000:]
        assert variable in done.refusals[f"on-{group}"]
        assert remedy in done.refusals[f"on-{group}"]


def test_a_system_that_this_was_never_tried_on_is_refused(site: Site) -> None:
    host = site.host("app1")
    host.run("sed s/^VERSION_ID=.*/VERSION_ID=11/ /etc/os-release >/run/os")
    host.run("echo 11.9 >/run/version && mount --bind /run/version /etc/debian_version")
    host.run("mount --bind /run/os /etc/os-release")
    try:
        done = site.play("site")
    finally:
        host.run("umount /etc/os-release /etc/debian_version")
    assert "name a host with Debian 12 or Ubuntu 24.04" in done.refusal, done.said[-2000:]
    assert done.changed == 0


def test_a_disk_without_room_is_refused(site: Site) -> None:
    host = site.host("app1")
    host.run("mount -t tmpfs -o size=50M none /opt")
    try:
        done = site.play("site")
    finally:
        host.run("umount /opt")
    assert "less than 400 MB of disk free" in done.refusal
    assert done.changed == 0


def test_a_database_without_a_proper_password_is_refused(site: Site) -> None:
    further = plays.Site(site.folder, {"database": ["app1"]}, site.variables)
    done = further.play("site", postgresql_password="short")
    assert "postgresql_password is not set, or shorter than 16" in done.refusal
    assert done.changed == 0


def test_an_index_that_is_not_reached_is_named(site: Site) -> None:
    """Nothing is switched to."""
    said = {"identra_index_url": "http://127.0.0.1:9/simple", "identra_wheelhouse": ""}
    done = site.play("site", **said)
    assert "identra_index_url" in done.refusal, done.said[-2000:]
    assert "identra_wheelhouse" in done.refusal
    assert site.host("app1").run("ls /etc/identra/current", check=False).returncode != 0


@pytest.fixture(scope="module")
def deployed(site: Site) -> Site:
    site.played("site")
    return site


class TestWhatRanGoesOn:
    """A wrong change meets a service that runs, which never notices."""

    def test_a_port_that_is_taken(self, deployed: Site) -> None:
        since = "systemctl show -p ActiveEnterTimestamp --value identra"
        before = deployed.host("app1").run(since).stdout
        done = deployed.play("deploy", identra_grpc_port=22)
        assert "set identra_grpc_port to another port" in done.refusal, done.said[-2000:]
        assert done.changed == 0
        assert deployed.host("app1").run(since).stdout == before

    @pytest.mark.parametrize(
        ("said", "named"),
        [
            ({"identra_settings": {"codes": {"digits": 3}}}, "codes.digits"),
            (
                {
                    "identra_settings": {
                        "persistence": {
                            "driver": "postgres",
                            "name": "identra",
                            "host": "127.0.0.1",
                            "user": "me",
                        }
                    },
                    "identra_secrets": {"persistence.password": "of-no-database-at-all"},
                },
                "identra_settings.persistence",
            ),
        ],
        ids=["settings", "database"],
    )
    def test_wrong(self, deployed: Site, said: dict[str, Any], named: str) -> None:
        host = deployed.host("app1")
        since = "systemctl show -p ActiveEnterTimestamp --value identra"
        before = host.run(since).stdout
        done = deployed.play("deploy", **said)
        assert done.code != 0
        assert named in done.refusal, done.said[-2000:]
        assert "What ran goes on" in done.refusal
        assert "of-no-database-at-all" not in done.said
        assert host.run(since).stdout == before

    def test_a_full_disk(self, deployed: Site) -> None:
        host = deployed.host("app1")
        small = "mount -t tmpfs -o size=100k none generations"
        host.run(f"cd /etc/identra; cp -a generations /tmp/kept; {small}")
        host.run("cp -a /tmp/kept/. /etc/identra/generations")
        host.run("cat /dev/zero >/etc/identra/generations/.full", check=False)
        try:
            done = deployed.play("deploy", identra_settings={"codes": {"digits": 7}})
        finally:
            host.run("umount /etc/identra/generations")
        assert done.code != 0
        assert "no room" in done.refusal, done.said[-2000:]
        host.run("systemctl is-active identra identra-open")
