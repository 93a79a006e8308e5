"""The stand-in keeps GitHub's documented word, in process and on a port alike."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from standin.github import CODE_LIFETIME, Email, GitHub, Person
from standin.sites import open_site

if TYPE_CHECKING:
    from collections.abc import Iterator

VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = (
    base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
)
OCTOCAT = Person(
    583231,
    "octocat",
    (
        Email("octocat@example.com"),
        Email("old@example.com", primary=False, verified=False, visibility="public"),
    ),
)


@pytest.fixture
def github() -> GitHub:
    made = GitHub()
    made.welcome(OCTOCAT)
    return made


@pytest.fixture
def client(github: GitHub) -> Iterator[httpx.Client]:
    with open_site(github) as site, httpx.Client(base_url=site.base_url, trust_env=False) as made:
        yield made


def authorize(client: httpx.Client, github: GitHub, **said: str) -> dict[str, list[str]]:
    query = {
        "client_id": github.client_id,
        "redirect_uri": github.callback,
        "scope": "read:user user:email",
        "state": "xyz",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    } | said
    answer = client.get(f"/login/oauth/authorize?{urlencode(query)}")
    assert answer.status_code == 302
    return parse_qs(urlsplit(answer.headers["location"]).query)


def redeem(
    client: httpx.Client,
    github: GitHub,
    code: str,
    *,
    accept: str = "application/json",
    **said: str,
) -> httpx.Response:
    form = {
        "client_id": github.client_id,
        "client_secret": github.client_secret,
        "code": code,
        "redirect_uri": github.callback,
        "code_verifier": VERIFIER,
    } | said
    answer = client.post("/login/oauth/access_token", data=form, headers={"Accept": accept})
    assert answer.status_code == 200
    return answer


def bearer(client: httpx.Client, github: GitHub, **said: str) -> dict[str, str]:
    code = authorize(client, github, **said)["code"][0]
    token = redeem(client, github, code).json()["access_token"]
    return {"Authorization": f"Bearer {token}"}


def test_the_flow_ends_in_the_person(client: httpx.Client, github: GitHub) -> None:
    assert authorize(client, github)["state"] == ["xyz"]
    headers = bearer(client, github)
    user = client.get("/api/v3/user", headers=headers).json()
    assert (user["id"], user["login"], user["email"]) == (583231, "octocat", None)
    assert client.get("/api/v3/user/emails", headers=headers).json() == [
        {
            "email": "octocat@example.com",
            "primary": True,
            "verified": True,
            "visibility": "private",
        },
        {"email": "old@example.com", "primary": False, "verified": False, "visibility": None},
    ]


def test_the_token_answer_is_a_form_unless_json_is_asked_for(
    client: httpx.Client, github: GitHub
) -> None:
    answer = redeem(client, github, authorize(client, github)["code"][0], accept="*/*")
    assert answer.headers["content-type"].startswith("application/x-www-form-urlencoded")
    assert parse_qs(answer.text)["scope"] == ["read:user,user:email"]
    assert parse_qs(answer.text)["token_type"] == ["bearer"]


def test_a_code_works_once(client: httpx.Client, github: GitHub) -> None:
    code = authorize(client, github)["code"][0]
    assert "access_token" in redeem(client, github, code).json()
    assert redeem(client, github, code).json()["error"] == "bad_verification_code"


def test_a_code_is_over_after_ten_minutes(client: httpx.Client, github: GitHub) -> None:
    github.now = lambda: 1000
    code = authorize(client, github)["code"][0]
    github.now = lambda: 1000 + CODE_LIFETIME + 1
    assert redeem(client, github, code).json()["error"] == "bad_verification_code"


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ({"client_secret": "wrong"}, "incorrect_client_credentials"),
        ({"client_id": "wrong"}, "incorrect_client_credentials"),
        ({"code": "wr0ng"}, "bad_verification_code"),
        ({"code_verifier": "wrong"}, "bad_verification_code"),
        ({"code_verifier": ""}, "bad_verification_code"),
        ({"redirect_uri": "http://localhost:3000/callback/2"}, "redirect_uri_mismatch"),
    ],
)
def test_a_wrong_exchange_is_an_error_with_status_200(
    client: httpx.Client, github: GitHub, said: dict[str, str], error: str
) -> None:
    code = said.pop("code", authorize(client, github)["code"][0])
    answer = redeem(client, github, code, **said)
    assert set(answer.json()) == {"error", "error_description", "error_uri"}
    assert answer.json()["error"] == error


@pytest.mark.parametrize("uri", ["http://evil.example/callback", "http://localhost:3000/other"])
def test_another_redirect_goes_to_the_registered_callback_with_an_error(
    client: httpx.Client, github: GitHub, uri: str
) -> None:
    told = authorize(client, github, redirect_uri=uri)
    assert told["error"] == ["redirect_uri_mismatch"]
    assert "code" not in told


def test_a_visitor_may_decline(client: httpx.Client, github: GitHub) -> None:
    github.visitor = None
    told = authorize(client, github)
    assert (told["error"], told["state"]) == (["access_denied"], ["xyz"])


def test_addresses_need_their_scope(client: httpx.Client, github: GitHub) -> None:
    headers = bearer(client, github, scope="read:user")
    assert client.get("/api/v3/user", headers=headers).status_code == 200
    assert client.get("/api/v3/user/emails", headers=headers).status_code == 404


def test_a_wrong_token_and_none_are_401(client: httpx.Client) -> None:
    assert client.get("/api/v3/user").status_code == 401
    wrong = client.get("/api/v3/user", headers={"Authorization": "Bearer gho_wrong"})
    assert (wrong.status_code, wrong.json()["message"]) == (401, "Bad credentials")


def test_an_unknown_client_and_an_unknown_path_are_not_found(client: httpx.Client) -> None:
    assert client.get("/login/oauth/authorize?client_id=wrong").status_code == 404
    assert client.get("/api/v3/users").status_code == 404
