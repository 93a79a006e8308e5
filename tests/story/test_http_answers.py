"""What every answer of the REST door has in common, whatever was asked."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
import running
import spoken

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx

UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
SHAPE = {"code", "reason", "message", "details", "request_id"}
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[running.Running]:
    with running.identra(tmp_path_factory.mktemp("answers"), "--dev") as service:
        yield service


@pytest.fixture
def client(service: running.Running) -> Iterator[httpx.Client]:
    with spoken.client(service.url) as client:
        yield client


def test_every_failure_has_the_one_shape(client: httpx.Client) -> None:
    for answer in (
        client.get("/nowhere"),
        client.get("/token/refresh"),
        client.post("/token/refresh"),
        client.post("/me/login-info"),
        client.post("/password/login", content=b"{", headers=JSON),
        client.post("/password/login", content=b"x", headers={"Content-Type": "text/plain"}),
        client.get("/oauth/url"),
        client.post("/unknown/login", json={}),
        client.get("/unknown/login"),
        client.put("/password/login", json={}),
    ):
        said = answer.json()
        assert set(said) == SHAPE, answer.url
        assert said["request_id"] == answer.headers["x-request-id"]
        assert said["message"].endswith(".")
        assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("method", "path", "refusal"),
    [
        ("GET", "/nowhere", (404, "NOT_FOUND")),
        ("POST", "/password/login/", (404, "NOT_FOUND")),
        ("POST", "/sms/code", (404, "NOT_FOUND")),
        ("GET", "/sms/login", (404, "NOT_FOUND")),
        ("GET", "/api/api/healthz", (404, "NOT_FOUND")),
        ("GET", "/password/login", (405, "METHOD_NOT_ALLOWED")),
        ("DELETE", "/healthz", (405, "METHOD_NOT_ALLOWED")),
        ("BREW", "/healthz", (405, "METHOD_NOT_ALLOWED")),
    ],
)
@pytest.mark.parametrize("prefix", ["", "/api"])
def test_what_is_not_there_and_what_answers_otherwise(
    client: httpx.Client, prefix: str, method: str, path: str, refusal: tuple[int, str]
) -> None:
    answer = client.request(method, prefix + path)
    assert (answer.status_code, answer.json()["reason"]) == refusal
    assert ("allow" in answer.headers) is (answer.status_code == 405)


def test_a_405_names_what_the_route_answers_to(client: httpx.Client) -> None:
    allow = client.get("/password/login").headers["allow"].split(", ")
    assert sorted(allow) == ["OPTIONS", "POST"]
    allow = client.post("/healthz").headers["allow"].split(", ")
    assert sorted(allow) == ["GET", "HEAD", "OPTIONS"]


def test_head_answers_as_get_without_a_body(client: httpx.Client) -> None:
    got, headed = client.get("/openapi.json"), client.head("/openapi.json")
    assert headed.status_code == 200
    assert headed.content == b""
    assert headed.headers["content-length"] == got.headers["content-length"]


def test_options_names_the_methods(client: httpx.Client) -> None:
    answer = client.options("/api/me/login-info")
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["allow"] == "POST, OPTIONS"
    assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize("asked", ["abc", "a.b_C-9", "x" * 64])
def test_a_well_formed_request_id_is_echoed(client: httpx.Client, asked: str) -> None:
    answer = client.get("/nowhere", headers={"X-Request-ID": asked})
    assert answer.headers["x-request-id"] == answer.json()["request_id"] == asked


@pytest.mark.parametrize("asked", ["", "x" * 65, "a b", "<script>", "é".encode().decode("latin1")])
def test_any_other_request_id_is_replaced(client: httpx.Client, asked: str) -> None:
    answer = client.get("/healthz", headers={"X-Request-ID": asked.encode("latin1")})
    assert UUID7.fullmatch(answer.headers["x-request-id"])


def test_the_attempt_id_is_always_ours(client: httpx.Client) -> None:
    answer = client.get("/healthz", headers={"X-Attempt-ID": "theirs"})
    assert UUID7.fullmatch(answer.headers["x-attempt-id"])


def test_a_body_over_64_kib_is_refused_before_it_is_read(client: httpx.Client) -> None:
    answer = client.post("/password/login", content=b" " * 65_537, headers=JSON)
    assert (answer.status_code, answer.json()["reason"]) == (413, "BODY_TOO_LARGE")
    assert client.get("/healthz").status_code == 200


def test_a_body_of_64_kib_is_read(client: httpx.Client) -> None:
    body = b'{"refresh_token":"x"}'
    answer = client.post("/token/refresh", content=body.ljust(65_536), headers=JSON)
    assert answer.json()["reason"] == "INVALID_REFRESH_TOKEN"


def test_a_long_url_and_a_long_head_have_their_own_answers(client: httpx.Client) -> None:
    assert client.get("/" + "a" * 4096).json()["reason"] == "URI_TOO_LONG"
    big = client.get("/healthz", headers={"X-Long": "a" * 17_000})
    assert (big.status_code, big.json()["reason"]) == (431, "HEADERS_TOO_LARGE")


def test_a_missing_token_is_asked_for_as_rfc_6750_says(client: httpx.Client) -> None:
    none = client.post("/me/login-info")
    assert none.headers["www-authenticate"] == "Bearer"
    basic = client.post("/me/login-info", headers={"Authorization": "Basic YTpi"})
    assert basic.json()["reason"] == "MISSING_TOKEN"
    for scheme in ("Bearer", "bearer", "BEARER"):
        wrong = client.post("/me/login-info", headers={"Authorization": f"{scheme} x.y.z"})
        assert wrong.json()["reason"] == "INVALID_TOKEN"
        assert wrong.headers["www-authenticate"].startswith('Bearer error="invalid_token"')


def test_a_failure_off_the_bearer_routes_asks_for_no_token(client: httpx.Client) -> None:
    answer = client.post("/token/refresh", json={"refresh_token": "x"})
    assert answer.status_code == 401
    assert "www-authenticate" not in answer.headers


def test_two_tokens_in_one_request_are_refused(client: httpx.Client) -> None:
    answer = client.post(
        "/me/login-info", json={"access_token": "a"}, headers={"Authorization": "Bearer b"}
    )
    assert answer.json()["details"] == [{"field": "access_token", "message": "is given twice"}]


def test_an_argument_given_twice_is_refused(client: httpx.Client) -> None:
    answer = client.get("/oauth/url?provider=github&provider=github")
    assert answer.json()["details"] == [{"field": "provider", "message": "is given twice"}]


def test_the_reference_loads_nothing_from_elsewhere(client: httpx.Client) -> None:
    for base in ("", "/api"):
        page = client.get(f"{base}/docs")
        assert page.headers["content-security-policy"].startswith("default-src 'none'")
        assert "unsafe" not in page.headers["content-security-policy"]
        for asset in re.findall(r'(?:src|href)="([^"]+)"', page.text):
            assert client.get(f"{base}/{asset}").status_code == 200
        assert "//" not in page.text.replace("<!doctype", "")


def test_without_dev_there_is_nothing_of_development(tmp_path: Path) -> None:
    with running.identra(tmp_path) as service, spoken.client(service.url) as client:
        for path in ("/dev/outbox", "/oauth/callback"):
            assert client.get(path).status_code == 404
        assert "/dev/outbox" not in spoken.document(service.url)["paths"]
        evil = client.get("/healthz", headers={"Host": "auth.example.com"})
        assert evil.status_code == 200


def test_development_answers_to_local_names_alone(client: httpx.Client) -> None:
    answer = client.get("/dev/outbox", headers={"Host": "evil.example"})
    assert (answer.status_code, answer.json()["details"][0]["field"]) == (400, "host")


def test_the_callback_page_says_what_to_do_with_what_came(client: httpx.Client) -> None:
    back = client.get("/oauth/callback", params={"code": "c0de", "state": "st4te"}).text
    assert "/oauth/login" in back
    assert "code_verifier" in back
    said = {"error": "access_denied", "error_description": "She said no", "state": "st4te"}
    refused = client.get("/oauth/callback", params=said).text
    assert "access_denied" in refused
    assert "She said no" in refused
    for page in (refused, client.get("/oauth/callback").text):
        assert "/oauth/login" not in page


def test_the_callback_page_runs_nothing_that_came_with_the_url(client: httpx.Client) -> None:
    nasty = "<script>alert(1)</script>'\"&"
    page = client.get("/oauth/callback", params={"code": nasty, "state": nasty, "error": nasty})
    assert "<script" not in page.text
    assert "&lt;script&gt;" in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
