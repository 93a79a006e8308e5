"""A node that only reads goes on serving what needs no writing, and lets a copy be made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
import running

from identra.cli import run

if TYPE_CHECKING:
    from pathlib import Path

IMMEDIATE = '[password]\nregistration = "immediate"\n'
ADA = {"email": "ada@example.com", "password": "correct horse battery"}


def register(url: str) -> dict[str, Any]:
    answer = httpx.post(f"{url}/password/register", json=ADA)
    assert answer.status_code == 200, answer.text
    token: dict[str, Any] = answer.json()["token"]
    return token


def target(folder: Path) -> str:
    folder.mkdir()
    return str(running.write_settings(folder))


def test_it_reads_and_refuses_to_write_until_it_may_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home, there = tmp_path / "here", target(tmp_path / "there")
    home.mkdir()
    copy = ["copy", "--config", str(home / "identra.toml"), "--to", there]
    with running.identra(home, extra=IMMEDIATE) as node:
        token = register(node.url)
        assert run(copy) == 1
        assert "a node is live on this database" in capsys.readouterr().err
    with running.identra(home, "--read-only", "--workers", "2", extra=IMMEDIATE) as node:
        _reads(node.url, token)
        _refuses_to_write(node.url, token)
        assert run(copy) == 0
    with running.identra(tmp_path / "there", extra=IMMEDIATE) as node:
        _reads(node.url, token, ready={"status": "ready"})
        body = {"refresh_token": token["refresh_token"]["token"]}
        assert httpx.post(f"{node.url}/token/refresh", json=body).status_code == 200
        assert httpx.post(f"{node.url}/password/login", json=ADA).status_code == 200


def _reads(url: str, token: dict[str, Any], ready: dict[str, Any] | None = None) -> None:
    bearer = {"Authorization": f"Bearer {token['access_token']['token']}"}
    info = httpx.post(f"{url}/me/login-info", headers=bearer)
    assert info.json()["email"] == ADA["email"]
    assert len(httpx.get(f"{url}/.well-known/jwks.json").json()["keys"]) == 1
    told = httpx.get(f"{url}/readyz").json()
    assert told == (ready or {"status": "ready", "degraded": ["read-only"]})


def _refuses_to_write(url: str, token: dict[str, Any]) -> None:
    refresh = {"refresh_token": token["refresh_token"]["token"]}
    for path, body in (
        ("/token/refresh", refresh),
        ("/token/revoke", refresh),
        ("/password/login", ADA),
        ("/password/register", {**ADA, "email": "bob@example.com"}),
    ):
        answer = httpx.post(url + path, json=body)
        assert (answer.status_code, answer.json()["reason"]) == (503, "STORE_UNAVAILABLE"), path
        assert int(answer.headers["retry-after"]) > 0


def test_it_makes_no_schema_and_no_keys(tmp_path: Path) -> None:
    with (
        pytest.raises(AssertionError, match="run `identra migrate`"),
        running.identra(tmp_path, "--read-only"),
    ):
        pass
