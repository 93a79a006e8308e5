"""One journey through every route of the REST door, each answer held to the document."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import running
import spoken

if TYPE_CHECKING:
    from collections.abc import Iterator

PASSWORD = "correct horse battery staple"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[running.Running]:
    with running.identra(tmp_path_factory.mktemp("journey"), "--dev") as service:
        yield service


@pytest.fixture(params=["", "/api"], ids=["root", "api"])
def client(request: pytest.FixtureRequest, service: running.Running) -> Iterator[httpx.Client]:
    base = service.url + str(request.param)
    with spoken.client(service.url) as client:
        client.base_url = httpx.URL(base)
        yield client


def _address(client: httpx.Client, name: str) -> str:
    return f"{name}{'-api' if client.base_url.path.endswith('/api/') else ''}@example.com"


def _bearer(token: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {token['access_token']['token']}"}


def _register(client: httpx.Client, name: str) -> dict[str, Any]:
    body = {"email": _address(client, name), "password": PASSWORD, "later": ["ignored"]}
    answer = client.post("/password/register", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    token: dict[str, Any] = answer.json()["token"]
    return token


def _mailed_code(client: httpx.Client, to: str) -> str:
    messages = client.get("/dev/outbox").json()["messages"]
    text = next(m["text"] for m in reversed(messages) if m["to"] == to)
    found = re.search(r"\b[0-9]{6}\b", text)
    assert found
    return found[0]


def test_register_login_and_ask_both_ways(client: httpx.Client) -> None:
    _register(client, "ada")
    body = {"email": _address(client, "ada"), "password": PASSWORD}
    assert client.post("/password/register", json=body).json()["reason"] == "EMAIL_TAKEN"
    token = client.post("/password/login", json=body).json()["token"]
    by_header = client.post("/me/login-info", headers=_bearer(token)).json()
    said = {"access_token": token["access_token"]["token"]}
    by_body = client.post("/me/login-info", json=said).json()
    assert by_header == by_body
    assert by_header["email"] == _address(client, "ada")
    assert by_header["password_enabled"] is True
    assert "github_id" not in by_header
    wrong = client.post("/password/login", json={**body, "password": "wrong horse"})
    assert (wrong.status_code, wrong.json()["reason"]) == (401, "INVALID_CREDENTIALS")


def test_a_mailed_code_opens_an_account(client: httpx.Client) -> None:
    email = _address(client, "bob")
    assert client.post("/email/code", json={"email": email, "use_html": True}).json() == {}
    right = {"email": email, "code": _mailed_code(client, email)}
    wrong = {**right, "code": "000000" if right["code"] != "000000" else "000001"}
    assert client.post("/email/login", json=wrong).json()["reason"] == "INVALID_CODE"
    token = client.post("/email/login", json=right).json()["token"]
    info = client.post("/me/login-info", headers=_bearer(token)).json()
    assert (info["email"], info["email_verified"]) == (email, True)
    assert client.post("/email/login", json=right).json()["reason"] == "INVALID_CODE"


def test_refresh_and_revoke(client: httpx.Client) -> None:
    first = _register(client, "cai")
    body = {"refresh_token": first["refresh_token"]["token"]}
    key = {"Idempotency-Key": "once"}
    second = client.post("/token/refresh", json=body, headers=key).json()["token"]
    assert second["refresh_token"] != first["refresh_token"]
    body = {"refresh_token": second["refresh_token"]["token"]}
    assert client.post("/token/revoke", json=body).json() == {}
    assert client.post("/token/refresh", json=body).json()["reason"] == "INVALID_REFRESH_TOKEN"
    assert client.post("/token/revoke", json={"refresh_token": "never issued"}).json() == {}
    ended = client.post("/me/login-info", headers=_bearer(second))
    assert ended.json()["reason"] == "INVALID_TOKEN"


def test_the_key_set_is_kept_by_its_etag(client: httpx.Client) -> None:
    first = client.get("/.well-known/jwks.json")
    etag = first.headers["etag"]
    assert re.fullmatch(r'"[^"]+"', etag)
    assert first.headers["cache-control"] == "public, max-age=300"
    assert "d" not in first.json()["keys"][0]
    for asked in (etag, f"W/{etag}", "*", f'"other", {etag}', f'"a,b" , {etag}'):
        again = client.get("/.well-known/jwks.json", headers={"If-None-Match": asked})
        assert (again.status_code, again.content) == (304, b""), asked
        assert again.headers["etag"] == etag
        assert again.headers["cache-control"] == "public, max-age=300"
    for asked in ('"other"', etag.strip('"'), ""):
        whole = client.get("/.well-known/jwks.json", headers={"If-None-Match": asked})
        assert whole.status_code == 200, asked


def test_a_provider_that_lacks_its_values_is_listed_with_its_reason(client: httpx.Client) -> None:
    listed = client.get("/oauth/providers").json()["providers"]
    assert listed == [{"name": "github", "enabled": False, "reason": "missing_client_id"}]


def test_oauth_refuses_what_was_never_begun(client: httpx.Client) -> None:
    unknown = client.get("/oauth/url?provider=nobody")
    assert (unknown.status_code, unknown.json()["reason"]) == (400, "UNKNOWN_PROVIDER")
    foreign = client.post("/oauth/login", json={"code": "c", "state": "s"})
    assert (foreign.status_code, foreign.json()["reason"]) == (400, "INVALID_STATE")
    nobody = client.post("/oauth/bind", json={"code": "c", "state": "s"})
    assert (nobody.status_code, nobody.json()["reason"]) == (401, "MISSING_TOKEN")


def test_no_secret_and_no_query_is_in_the_log(
    client: httpx.Client, service: running.Running
) -> None:
    token = _register(client, "dee")
    client.get("/oauth/url?provider=github&code_challenge=QUERYSECRET")
    client.post("/me/login-info", headers=_bearer(token))
    client.post("/token/refresh", json={"refresh_token": token["refresh_token"]["token"]})
    client.post("/nowhere/PATHSECRET", json={"x": "BODYSECRET"})
    logged = service.log.read_text()
    assert "route=/me/login-info" in logged
    for secret in (
        PASSWORD,
        token["access_token"]["token"],
        token["refresh_token"]["token"],
        *("QUERYSECRET", "PATHSECRET", "BODYSECRET"),
    ):
        assert secret not in logged
