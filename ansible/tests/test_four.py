"""Two hosts with the service, one with PostgreSQL and Redis, one proxy: seen from outside."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import jwt
import load
import plays
import pytest
from callers import NAME, PASSWORD, Caller

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plays import Site

GROUPS = {"app": ["app1", "app2"], "database": ["db1"], "redis": ["db1"], "proxy": ["proxy1"]}
GROUPS |= {"backup": ["app1"], "monitoring": ["app1", "app2"]}
SECRETS = {"postgresql_password": "p0stgres-of-the-test", "redis_password": "r3dis-of-the-test-!"}
TRIAL = {"proxy_certificate": "", "proxy_certificate_key": "", "proxy_internal_ca": True}
TRIAL |= {"backup_recipients": [plays.RECIPIENT]}
EMAIL = "me@example.com"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, common: dict[str, Any]) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("four")
    with plays.opened(folder, GROUPS, common | SECRETS | TRIAL, "four") as site:
        site.played("site")
        yield site


@pytest.fixture(scope="module")
def caller(site: Site) -> Caller:
    made = f"printf '{PASSWORD}\\n' | identra users create {EMAIL} --proved --password-stdin"
    site.host("app1").run(made)
    proxy = site.host("proxy1")
    return Caller(proxy.ip, proxy.run("cat /etc/nginx/identra/ca.pem").stdout)


@pytest.fixture(scope="module", autouse=True)
def master_key(site: Site) -> str:
    """The one that the first deployment made."""
    return site.host("app1").run("cat /etc/identra/keys/master.key").stdout.strip()


def test_one_signs_in_through_tls_over_rest_and_grpc(caller: Caller) -> None:
    for token in (caller.sign_in(EMAIL), caller.sign_in_by_grpc(EMAIL)):
        claims = caller.verify(token)
        status, said, headers = caller.ask("POST", "/me/login-info", {"access_token": token})
        assert (status, said["user_id"], said["email"]) == (200, claims["sub"], EMAIL)
        assert headers["strict-transport-security"] == "max-age=31536000"


def test_a_second_run_changes_nothing(site: Site) -> None:
    assert site.played("site").changed == 0


def test_the_doctor_finds_every_host_well_once_there_is_a_backup(
    site: Site, caller: Caller
) -> None:
    place, proxy = "/usr/local/share/ca-certificates/id.crt", site.host("proxy1").ip
    for name in GROUPS["app"]:
        host = site.host(name)
        host.run(f"printf %s '{caller.authority}' >{place} && update-ca-certificates")
        host.run(f"echo '{proxy} {NAME}' >>/etc/hosts")
    site.played("backup", fetch_to=str(site.folder / "fetched"))
    assert len(list((site.folder / "fetched").iterdir())) == 1
    done = site.played("doctor", url=f"https://{NAME}")
    assert done.changed == 0
    assert "error " not in done.said


def test_a_look_at_another_master_key_changes_nothing(site: Site) -> None:
    looked = site.played("reseal_keys", "--check")
    assert "wanted is master.key" in looked.said
    assert looked.changed == 0


def test_every_host_has_the_same_master_key(site: Site) -> None:
    sums = {site.host(name).run("sha256sum /etc/identra/keys/*").stdout for name in GROUPS["app"]}
    assert len(sums) == 1


def test_the_peer_is_who_called_whatever_she_says(site: Site, caller: Caller) -> None:
    body = {"email": "nobody@example.com", "password": PASSWORD}
    said = {"X-Forwarded-For": "203.0.113.9"}
    assert caller.ask("POST", "/password/login", body, **said)[0] == 401
    told = "journalctl -u identra -o cat -n 50 | grep '\"/password/login\"' | tail -1"
    lines = [site.host(name).run(told, check=False).stdout for name in GROUPS["app"]]
    assert any('"198.18.83.1"' in line or "198.18." in line for line in lines)
    assert not any("203.0.113.9" in line for line in lines)


def test_what_came_in_clear_is_not_sent_on_nor_anybody_elsewhere(site: Site) -> None:
    import http.client

    for method, status in (("GET", 301), ("POST", 403)):
        clear = http.client.HTTPConnection(site.host("proxy1").ip, 80, timeout=10)
        clear.request(method, "/password/login", headers={"Host": "elsewhere.example.com"})
        answer = clear.getresponse()
        assert answer.status == status
        assert answer.headers["Location"] in {None, f"https://{NAME}/password/login"}
        clear.close()


def test_a_new_version_comes_without_a_failed_request(
    site: Site, caller: Caller, newer: str
) -> None:
    """Another program, by other settings."""
    said = {"identra_settings": _settings(site, digits=7)}
    with load.constant(caller, EMAIL) as counted:
        done = site.played("deploy", identra_source="wheel", identra_wheel=newer, **said)
        assert done.changed > 0
    assert counted.failed == []
    assert counted.answered > 100
    for name in GROUPS["app"]:
        assert "digits = 7" in site.host(name).run("identra config show").stdout
        assert site.host(name).run("identra --version").stdout == "identra 0.1.1\n"


def test_a_broken_version_stops_at_the_first_host_and_goes_by_itself(
    site: Site, caller: Caller, broken: str
) -> None:
    using = "readlink -f /etc/identra/current/release"
    before = [site.host(name).run(using).stdout for name in GROUPS["app"]]
    with load.constant(caller, EMAIL) as counted:
        done = site.play("deploy", identra_source="wheel", identra_wheel=broken)
        assert done.code != 0
    assert "the one before serves again" in done.refusal
    assert "app2" not in done.said.partition("Switch]")[2].partition("PLAY RECAP")[0]
    assert [site.host(name).run(using).stdout for name in GROUPS["app"]] == before
    assert counted.failed == []


def test_going_back_fails_no_request(site: Site, caller: Caller) -> None:
    with load.constant(caller, EMAIL) as counted:
        assert site.played("rollback").changed == 2
    assert counted.failed == []
    for name in GROUPS["app"]:
        assert "digits = 6" in site.host(name).run("identra config show").stdout
    site.played("deploy")


def test_keys_rotate_under_load_without_a_failure(site: Site, caller: Caller) -> None:
    quick = {"publish_ahead": "4s", "jwks_max_age": "2s"}
    settings = _settings(site, digits=6) | {"keys": quick}
    site.played("deploy", identra_settings=settings)
    before = caller.verify(caller.sign_in(EMAIL))
    with load.constant(caller, EMAIL) as counted:
        for _ in range(3):
            done = site.played("rotate_keys", "-e", "now=true", identra_settings=settings)
            assert "before" in done.said
            time.sleep(4)
    assert counted.failed == []
    kid = jwt.get_unverified_header(caller.sign_in(EMAIL))["kid"]
    _, keys, _ = caller.ask("GET", "/.well-known/jwks.json")
    assert before
    assert len(keys["keys"]) > 1
    assert kid in {key["kid"] for key in keys["keys"]}
    site.played("deploy")


def test_a_leaked_key_goes_from_every_host(site: Site, caller: Caller) -> None:
    kid = jwt.get_unverified_header(caller.sign_in(EMAIL))["kid"]
    site.played("emergency_rotate")
    for _ in range(4):  # whichever host answers
        _, keys, _ = caller.ask("GET", "/.well-known/jwks.json")
        assert kid not in {key["kid"] for key in keys["keys"]}
    assert caller.verify(caller.sign_in(EMAIL))["sub"]


def test_every_host_takes_another_master_key_without_a_failed_request(
    site: Site, caller: Caller, master_key: str
) -> None:
    said = site.folder / "group_vars/all.yml"
    said.parent.mkdir()
    said.write_text("identra_master_keys: [next.key]\n")
    token = caller.sign_in(EMAIL)
    with load.constant(caller, EMAIL) as counted:
        site.played("reseal_keys", destroy=True)
    assert counted.failed == []
    assert caller.verify(token)["sub"]
    ring = json.loads(site.host("app2").run("identra keys list --json").stdout)["keys"]
    assert len({key["sealed_by"] for key in ring if key["sealed_by"]}) == 1
    for name in GROUPS["app"]:
        assert site.host(name).run("ls /etc/identra/keys").stdout.split() == ["next.key"]
        assert master_key not in site.host(name).run("cat /etc/identra/keys/next.key").stdout
    assert site.played("site").changed == 0


def test_no_secret_is_seen_anywhere(site: Site, master_key: str) -> None:
    present = site.host("app1").run("cat /etc/identra/keys/*").stdout.split()
    told = (site.folder / "plays.log").read_text()
    where = "ps axwwe; journalctl -o cat; cat /etc/systemd/system/* /etc/identra/current/units/*"
    for secret in (master_key, *present, *SECRETS.values()):
        assert secret not in told
        for name in site.names:
            seen = site.host(name).run(f"{where} 2>/dev/null", check=False).stdout
            assert secret not in seen, name


@pytest.mark.parametrize("name", ["app1", "app2", "db1", "proxy1"])
def test_a_host_comes_back_by_itself(site: Site, caller: Caller, name: str) -> None:
    host = site.host(name)
    boot = host.run("cat /proc/sys/kernel/random/boot_id").stdout.strip()
    if name in GROUPS["app"]:
        with load.constant(caller, EMAIL) as counted:
            host.reboot()
            host.wait(since=boot)
            _serves(site, name)
        assert counted.failed == []
    else:
        host.reboot()
        host.wait(since=boot)
    assert caller.verify(load.patiently(lambda: caller.sign_in(EMAIL)))["sub"]


def _serves(site: Site, name: str) -> None:
    load.patiently(lambda: site.host(name).run("systemctl is-active identra-open"))


def _settings(site: Site, digits: int) -> dict[str, Any]:
    """The example's settings, and one more."""
    ip = site.host("db1").ip
    place = {"driver": "postgres", "host": ip, "name": "identra", "user": "identra"}
    return {
        "persistence": place | {"sslmode": "require"},
        "redis": {"urls": [f"{ip}:6379"]},
        "codes": {"digits": digits},
        "metrics": {"port": 9464},
    }
