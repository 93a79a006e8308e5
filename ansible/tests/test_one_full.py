"""One host with everything: the service, PostgreSQL, Redis and the proxy."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING, Any

import plays
import pytest
from callers import NAME, PASSWORD, Caller

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from plays import Site

GROUPS = {
    group: ["all1"] for group in ("app", "database", "redis", "proxy", "backup", "monitoring")
}
SECRETS = {"postgresql_password": "p0stgres-of-the-test", "redis_password": "r3dis-of-the-test-!"}
EMAIL = "me@example.com"
LOOK = "find /etc /opt /usr/local /var/lib -newer /etc/hostname -not -path '*/systemd/*' | sort"
LOOPBACK = ("127.", "[::1]", "[::ffff:127.")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, common: dict[str, Any]) -> Iterator[Site]:
    """Deployed by one command, after a look that changed nothing."""
    folder = tmp_path_factory.mktemp("full")
    given = _certificate(folder) | {"backup_recipients": [plays.RECIPIENT]}
    with plays.opened(folder, GROUPS, common | SECRETS | given, "one-full") as site:
        before = site.host("all1").run(LOOK).stdout
        assert site.played("site", "--check", "--diff").changed > 0
        assert site.host("all1").run(LOOK).stdout == before
        site.played("site")
        yield site


@pytest.fixture(scope="module")
def caller(site: Site) -> Caller:
    host = site.host("all1")
    made = f"printf '{PASSWORD}\\n' | identra users create {EMAIL} --proved --password-stdin"
    host.run(made)
    return Caller(host.ip, (site.folder / "cert.pem").read_text())


def test_one_signs_in_through_tls_over_rest_and_grpc(caller: Caller) -> None:
    for token in (caller.sign_in(EMAIL), caller.sign_in_by_grpc(EMAIL)):
        assert caller.verify(token)["sub"]


def test_a_second_run_changes_nothing_and_tells_no_secret(site: Site) -> None:
    """Not even to somebody who wants to see everything."""
    done = site.played("site", "-vvv")
    assert done.changed == 0
    for secret in _secrets(site):
        assert secret not in done.said


@pytest.mark.parametrize("user", ["nobody", "www-data", "prometheus"])
def test_nobody_else_on_the_host_reads_a_secret(site: Site, user: str) -> None:
    asked = " ".join(f"-e '{secret}'" for secret in _secrets(site))
    places = "/etc /home /opt ~root /run /srv /tmp /usr/local /var"
    looked = f"setpriv --reuid {user} --regid nogroup --clear-groups grep -rlsF {asked} {places}"
    found = site.host("all1").run(f"{looked} -D skip", check=False)
    assert (found.stdout, found.stderr) == ("", "")


def _secrets(site: Site) -> list[str]:
    """Of everybody: passwords, the master key, what is in the key of the certificate."""
    files = "/etc/identra/keys/master.key /etc/nginx/identra/key.pem"
    held = site.host("all1").run(f"cat {files}").stdout.splitlines()
    return [*SECRETS.values(), *(line for line in held if "PRIVATE" not in line)]


def test_nothing_but_the_proxy_is_reached_from_outside(site: Site) -> None:
    told = site.host("all1").run("ss -Htln | awk '{print $4}'").stdout.split()
    outside = {one.rpartition(":")[2] for one in told if not one.startswith(LOOPBACK)}
    assert outside == {"22", "80", "443"}


def test_state_lives_in_redis_and_rows_in_postgresql(site: Site, caller: Caller) -> None:
    caller.ask("POST", "/password/login", {"email": EMAIL, "password": f"{PASSWORD}!"})
    host = site.host("all1")
    ask = "printf 'AUTH %s\\nKEYS identra:*\\n' r3dis-of-the-test-! | redis-cli"
    assert "identra:" in host.run(ask).stdout
    counted = "runuser -u postgres -- psql -tAc 'SELECT count(*) FROM identra_users' identra"
    assert host.run(counted).stdout.strip() == "1"


@pytest.mark.parametrize("store", ["persistence", "redis"])
def test_a_wrong_password_of_a_store_stops_before_the_service(
    site: Site, caller: Caller, store: str
) -> None:
    right = zip(("persistence.password", "redis.password"), SECRETS.values(), strict=True)
    since = "systemctl show -p ActiveEnterTimestamp --value identra"
    before = site.host("all1").run(since).stdout
    named = dict(right) | {f"{store}.password": "of-another-server"}
    done = site.play("deploy", identra_secrets=named)
    assert f"identra_secrets['{store}.password']" in done.refusal, done.said[-2000:]
    assert "What ran goes on" in done.refusal
    assert "of-another-server" not in done.said
    assert site.host("all1").run(since).stdout == before
    assert caller.verify(caller.sign_in(EMAIL))["sub"]


def test_a_look_at_other_passwords_tells_neither_these_nor_those(site: Site) -> None:
    others = {name: f"an0ther-{name}-of-the-test" for name in SECRETS}
    looked = site.play("site", "--check", "--diff", "-vvv", **others)
    assert looked.code == 0, looked.said[-2000:]
    assert looked.changed > 0
    for secret in (*_secrets(site), *others.values()):
        assert secret not in looked.said


def test_a_key_of_another_certificate_is_refused_before_the_proxy_has_it(
    site: Site, caller: Caller
) -> None:
    (site.folder / "other").mkdir()
    other = _certificate(site.folder / "other")["proxy_certificate_key"]
    done = site.play("site", proxy_certificate_key=other)
    assert "do not belong together" in done.refusal, done.said[-2000:]
    assert done.changed == 0
    site.host("all1").run("nginx -t")
    assert caller.verify(caller.sign_in(EMAIL))["sub"]


@pytest.fixture(scope="module")
def named(site: Site, caller: Caller) -> None:
    """The host knows the name that people call, and trusts its certificate as people's do."""
    host = site.host("all1")
    place = "/usr/local/share/ca-certificates/id.crt"
    host.run(f"printf %s '{caller.authority}' >{place} && update-ca-certificates")
    host.run(f"echo '{host.ip} {NAME}' >>/etc/hosts")
    site.played("backup")


@pytest.mark.usefixtures("named")
class TestDoctor:
    """What is well is passed, and what is broken is named."""

    def test_what_is_well_is_passed(self, site: Site) -> None:
        done = site.played("doctor", url=f"https://{NAME}")
        assert done.changed == 0
        assert "error " not in done.said

    @pytest.mark.parametrize(
        ("broken", "mended", "code"),
        [
            ("systemctl stop redis-server", "systemctl start redis-server", "REDIS_UNREACHED"),
            (
                "mv /var/backups/identra /var/backups/kept",
                "mv /var/backups/kept /var/backups/identra",
                "BACKUP_OLD",
            ),
            (
                "! systemd-run --wait --unit=identra-failing false",
                "systemctl reset-failed identra-failing",
                "UNIT_FAILED",
            ),
        ],
        ids=["redis", "backups", "unit"],
    )
    def test_what_is_broken_is_named(self, site: Site, broken: str, mended: str, code: str) -> None:
        host = site.host("all1")
        host.run(broken)
        try:
            done = site.play("doctor")
        finally:
            host.run(mended)
        assert done.code != 0
        assert f"all1 is not well: {code};" in done.refusal, done.said[-2000:]
        assert f"error {code}: " in done.said


def _certificate(folder: Path) -> dict[str, Any]:
    """A certificate as an operator gives one: two files of hers, named from where she stands."""
    key, certificate = folder / "key.pem", folder / "cert.pem"
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    made += ["-nodes", "-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}"]
    made += ["-days", "30", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(made, check=True, capture_output=True)
    near = {"proxy_certificate": certificate, "proxy_certificate_key": key}
    return {name: os.path.relpath(file, plays.HOME) for name, file in near.items()}
