"""One host with SQLite and nothing else: from an empty host to a login."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import jwt
import plays
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hosts import Host
    from plays import Site

PASSWORD = "correct horse battery staple"
ASK = (
    "import json, sys, urllib.request as u;"
    "r = u.Request('http://127.0.0.1:8080' + sys.argv[1], sys.stdin.buffer.read() or None,"
    " {'Content-Type': 'application/json'});"
    "print(u.urlopen(r).read().decode())"
)


def ask(host: Host, route: str, body: dict[str, Any] | None = None) -> Any:
    """What REST answers on the host itself."""
    said = f"printf %s '{json.dumps(body)}' | " if body else "</dev/null "
    return json.loads(host.run(f'{said}python3 -c "{ASK}" {route}').stdout)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, common: dict[str, Any]) -> Iterator[Site]:
    with plays.opened(tmp_path_factory.mktemp("site"), {"app": ["app1"]}, common) as site:
        yield site


@pytest.fixture(scope="module")
def host(site: Site) -> Host:
    """The host, deployed by one command after a look that changed nothing."""
    host = site.host("app1")
    # As on a host that was made strict: nothing of root's is for others unless it is said.
    host.run("echo 'Defaults umask=0077, umask_override' >/etc/sudoers.d/strict")
    before = host.run("find /etc /opt /usr/local /var/lib -newer /etc/hostname | sort").stdout
    assert site.played("site", "--check", "--diff").changed > 0
    assert "identra" not in host.run("ls /etc /opt /var/lib /etc/systemd/system").stdout
    assert (
        host.run("find /etc /opt /usr/local /var/lib -newer /etc/hostname | sort").stdout == before
    )
    site.played("site")
    return host


def test_one_command_leads_to_a_login(host: Host) -> None:
    made = f"printf '{PASSWORD}\\n' | identra users create me@example.com --proved --password-stdin"
    user = host.run(made).stdout.strip()
    answer = ask(host, "/password/login", {"email": "me@example.com", "password": PASSWORD})
    token = answer["token"]["access_token"]["token"]
    key = jwt.PyJWK(ask(host, "/.well-known/jwks.json")["keys"][0])
    assert jwt.decode(token, key, issuer="identra")["sub"] == user


def test_a_second_run_changes_nothing(site: Site, host: Host) -> None:
    since = host.run("systemctl show -p ActiveEnterTimestamp identra").stdout
    assert site.played("site").changed == 0
    assert site.played("site", "--check").changed == 0
    assert host.run("systemctl show -p ActiveEnterTimestamp identra").stdout == since


def test_a_look_tells_of_a_change_and_makes_none(site: Site, host: Host) -> None:
    settings = {"codes": {"digits": 8}}
    looked = site.played("site", "--check", "--diff", identra_settings=settings)
    assert looked.changed > 0
    assert "+digits = 8" in looked.said
    assert "digits = 6" in host.run("identra config show").stdout
    assert site.played("site").changed == 0


def test_it_comes_back_by_itself_after_a_reboot(host: Host) -> None:
    kid = ask(host, "/.well-known/jwks.json")["keys"][0]["kid"]
    boot = host.run("cat /proc/sys/kernel/random/boot_id").stdout.strip()
    host.reboot()
    host.wait(since=boot)
    host.run("timeout 60 sh -c 'until systemctl -q is-active identra-open; do sleep 1; done'")
    host.run("systemctl is-active identra identra-rotate.timer identra-housekeeping.timer")
    assert ask(host, "/readyz") == {"status": "ready"}
    assert ask(host, "/.well-known/jwks.json")["keys"][0]["kid"] == kid


@pytest.mark.parametrize("signal", ["KILL", "STOP"])
def test_a_service_that_died_or_hangs_comes_back_and_is_let_in_again(
    host: Host, signal: str
) -> None:
    """By systemd's restart, and its watchdog."""
    told = "systemctl show --property=MainPID --value identra"
    former = host.run(told).stdout.strip()
    host.run(f"systemctl kill --kill-whom=main --signal={signal} identra")
    up = f'[ "$({told})" != {former} ] && systemctl -q is-active identra'
    up += " && systemctl -q is-active identra-open && ! nft list table inet identra"
    host.run(f"timeout 180 sh -c 'until {up}; do sleep 1; done'")
    assert ask(host, "/readyz") == {"status": "ready"}


def test_the_service_writes_and_reads_its_own_alone(host: Host) -> None:
    """Tried in the service's own view of the host, by its own user."""
    within = (
        "nsenter --mount --target $(systemctl show -p MainPID --value identra) "
        "setpriv --reuid identra --regid identra --clear-groups sh -c "
    )
    for path in ("/etc", "/opt/identra", "/usr/local/lib/identra", "/var/lib", "/var/log", "/home"):
        assert host.run(f"{within} 'touch {path}/mine'", check=False).returncode != 0, path
    for path in ("/etc/shadow", "/etc/identra/keys/master.key", "/etc/identra/next/identra.toml"):
        assert host.run(f"{within} 'cat {path}'", check=False).returncode != 0, path
    for path in ("/etc/identra/current/secrets", "~root", "~admin", "/run/credentials/sshd"):
        assert host.run(f"{within} 'ls {path}/*'", check=False).returncode != 0, path
    host.run(f"{within} 'touch /var/lib/identra/mine && rm /var/lib/identra/mine'")
    host.run(f"{within} 'cat /run/credentials/identra.service/master.key' >/dev/null")


CONFINED = {"identra": 1.5, "identra-rotate": 1.5, "identra-housekeeping": 1.5, "identra-open": 2.0}
"""The last is root, who alone may change the firewall."""


@pytest.mark.parametrize("unit", CONFINED)
def test_a_unit_is_confined(host: Host, unit: str) -> None:
    told = host.run(f"systemd-analyze security --no-pager {unit}.service | tail -1").stdout
    assert float(told.split(": ")[1].split()[0]) <= CONFINED[unit]


def test_nobody_goes_back_to_what_the_tables_are_too_new_for(site: Site, host: Host) -> None:
    """Nor is the service touched, which runs on."""
    site.played("deploy", identra_settings={"codes": {"digits": 7}})
    since = host.run("systemctl show -p ActiveEnterTimestamp identra").stdout
    _ledger(host, "INSERT INTO identra_migrations VALUES (999, 'later', 999, 0)")
    try:
        done = site.play("rollback")
    finally:
        _ledger(host, "DELETE FROM identra_migrations WHERE number = 999")
    assert "the generation before can't work on the database" in done.refusal, done.said[-2000:]
    assert host.run("systemctl show -p ActiveEnterTimestamp identra").stdout == since
    site.played("rollback")
    assert "digits = 6" in host.run("identra config show").stdout


def test_the_timer_alone_does_a_whole_rotation(site: Site, host: Host) -> None:
    """Published, signing, former and gone, in the least time that the settings allow."""
    quick = {"rotate_every": "4s", "publish_ahead": "4s", "jwks_max_age": "2s"}
    settings = {"keys": quick, "auth": {"access_token_expiration": "5s"}}
    often = {f"identra_{what}_on_calendar": "*:*:0/3" for what in ("rotate", "housekeep")}
    site.played("deploy", identra_settings=settings, **often)
    earlier, until = _states(host), time.monotonic() + 8 * 60
    while _signing(host) in earlier:  # whose tokens live as long as they did before
        assert time.monotonic() < until
        time.sleep(1)
    followed = _signing(host)
    while followed in _states(host):
        assert time.monotonic() < until
        body = {"email": "me@example.com", "password": PASSWORD}
        token = ask(host, "/password/login", body)["token"]["access_token"]["token"]
        kid = jwt.get_unverified_header(token)["kid"]
        keys = {key["kid"]: key for key in ask(host, "/.well-known/jwks.json")["keys"]}
        assert jwt.decode(token, jwt.PyJWK(keys[kid]), issuer="identra")
        time.sleep(2)
    assert "active" in _states(host).values()
    for unit in ("identra-rotate", "identra-housekeeping"):
        told = host.run(f"journalctl -o cat -u {unit} --since=-1min").stdout
        assert f"Finished {unit}.service" in told
        assert "Failed" not in told


def _ledger(host: Host, statement: str) -> None:
    """Of which steps the tables have taken."""
    said = "import sqlite3, sys; d = sqlite3.connect(sys.argv[1]); d.execute(sys.argv[2]).close()"
    ledger = "/var/lib/identra/identra.db"
    host.run(f'runuser -u identra -- python3 -c "{said}; d.commit()" {ledger} "{statement}"')


def _signing(host: Host) -> str:
    return next(kid for kid, state in _states(host).items() if state == "active")


def _states(host: Host) -> dict[str, str]:
    """The state of each key that signs tokens and has not been retired."""
    rows = json.loads(host.run("identra keys list --json").stdout)["keys"]
    signing = [row for row in rows if row["purpose"] == "sig" and row["state"] != "retired"]
    return {row["kid"]: row["state"] for row in signing}
