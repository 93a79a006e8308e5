"""One host with everything: the service, PostgreSQL, Redis and the proxy."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import plays
import pytest
from callers import NAME, PASSWORD, Caller

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from plays import Site

GROUPS = {group: ["all1"] for group in ("app", "database", "redis", "proxy")}
SECRETS = {"postgresql_password": "p0stgres-of-the-test", "redis_password": "r3dis-of-the-test-!"}
EMAIL = "me@example.com"
LOOPBACK = ("127.", "[::1]", "[::ffff:127.")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, common: dict[str, Any]) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("full")
    given = _certificate(folder)
    with plays.opened(folder, GROUPS, common | SECRETS | given, "one-full") as site:
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


def test_a_second_run_changes_nothing(site: Site) -> None:
    assert site.played("site").changed == 0


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


def _certificate(folder: Path) -> dict[str, Any]:
    """A certificate as an operator gives one: two files of hers."""
    key, certificate = folder / "key.pem", folder / "cert.pem"
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    made += ["-nodes", "-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}"]
    made += ["-days", "30", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(made, check=True, capture_output=True)
    return {"proxy_certificate": str(certificate), "proxy_certificate_key": str(key)}
