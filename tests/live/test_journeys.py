"""Every way in and out, through HTTP, against two workers on real stores and a real mail server."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import jwt
import pytest
from standin.github import Email, Person
from town import client
from visitor import PASSWORD, Visitor, bearer, token_of

if TYPE_CHECKING:
    from conftest import Build


def stranger(visitor: Visitor, name: str, *, verified: bool = True) -> Person:
    """Somebody at GitHub whose addresses are all private."""
    primary = Email(visitor.address(name), verified=verified)
    other = Email(visitor.address(f"{name}-other"), primary=False)
    return Person(secrets.randbelow(10**9) + 1, name, (other, primary))


def test_registration_opens_an_account_once_the_mailed_code_came_back(visitor: Visitor) -> None:
    email = visitor.address("ada")
    asked = {"email": email, "password": PASSWORD}
    answer = visitor.http.post("/password/register", json=asked)
    assert (answer.status_code, answer.json()) == (202, {})
    code = visitor.mailed_code(email)
    assert visitor.refusal("/password/login", asked) == (401, "INVALID_CREDENTIALS")
    assert visitor.town.count("emails", "email = {}", email) == 0
    confirmed = {**asked, "code": code}
    pair = visitor.post("/password/register/confirm", confirmed)["token"]
    assert visitor.refusal("/password/register/confirm", confirmed) == (401, "INVALID_CODE")
    info = visitor.info(visitor.sign_in(email))
    assert info == visitor.info(pair)
    assert (info["email"], info["email_verified"]) == (email, True)
    assert info["password_enabled"] is True


def test_registering_a_registered_address_answers_alike_and_tells_its_owner(
    visitor: Visitor,
) -> None:
    email = visitor.address("bea")
    visitor.register(email)
    asked = {"email": email, "password": "another horse altogether"}
    again = visitor.http.post("/password/register", json=asked)
    assert (again.status_code, again.json()) == (202, {})
    assert "has an account with a password" in visitor.town.post.wait_for(email, count=2).text
    assert visitor.refusal("/password/login", asked) == (401, "INVALID_CREDENTIALS")
    visitor.sign_in(email)


def test_immediate_registration_opens_an_account_at_once(hasty_visitor: Visitor) -> None:
    email = hasty_visitor.address("cai")
    pair = hasty_visitor.register_at_once(email)
    again = {"email": email, "password": "another horse altogether"}
    assert hasty_visitor.refusal("/password/register", again) == (409, "EMAIL_TAKEN")
    info = hasty_visitor.info(hasty_visitor.sign_in(email))
    assert info == hasty_visitor.info(pair)
    assert (info["email"], info["email_verified"]) == (email, False)


@pytest.mark.parametrize("use_html", [False, True], ids=["text", "html"])
def test_a_mailed_code_opens_an_account_once(visitor: Visitor, *, use_html: bool) -> None:
    email = visitor.address("dan")
    code = visitor.ask_code(email, use_html=use_html)
    letter = visitor.town.post.wait_for(email)
    assert letter.mail.get_content_type() == ("multipart/alternative" if use_html else "text/plain")
    assert code in letter.text
    assert (code in letter.html) if use_html else letter.html is None
    right = {"email": email, "code": code}
    wrong = {"email": email, "code": f"{(int(code) + 1) % 10**6:06}"}
    assert visitor.refusal("/email/login", wrong) == (401, "INVALID_CODE")
    info = visitor.info(visitor.post("/email/login", right)["token"])
    assert (info["email"], info["email_verified"]) == (email, True)
    assert info["password_enabled"] is False
    assert visitor.refusal("/email/login", right) == (401, "INVALID_CODE")


@pytest.mark.parametrize("bound", [False, True], ids=["free", "bound"])
@pytest.mark.parametrize("answers_as", ["json", "form"])
def test_github_opens_the_same_account_each_time(
    visitor: Visitor, answers_as: str, *, bound: bool
) -> None:
    visitor.town.github.answers_as = answers_as
    person = stranger(visitor, "eve")
    welcome = visitor.post("/oauth/login", visitor.travel(person, bound=bound).body())
    assert welcome["username"] == "eve"
    assert welcome["email"] == visitor.address("eve")
    assert welcome["avatar_url"].endswith(f"/{person.id}?v=4")
    info = visitor.info(welcome["token"])
    assert info["github_id"] == str(person.id)
    assert info["oauth_connections"] == [{"provider": "github", "provider_user_id": str(person.id)}]
    again = visitor.post("/oauth/login", visitor.travel(person, bound=bound).body())
    assert visitor.info(again["token"]) == info


def test_an_address_that_github_does_not_vouch_for_is_not_taken(visitor: Visitor) -> None:
    person = stranger(visitor, "fay", verified=False)
    welcome = visitor.post("/oauth/login", visitor.travel(person).body())
    assert welcome["email"] == ""
    info = visitor.info(welcome["token"])
    assert (info["email"], info["email_verified"]) == ("", False)


def test_a_bound_state_needs_its_verifier(visitor: Visitor) -> None:
    person = stranger(visitor, "gil")
    for verifier in (None, secrets.token_urlsafe(32)):
        trip = visitor.travel(person, bound=True).body() | {"code_verifier": verifier}
        body = {name: value for name, value in trip.items() if value}
        assert visitor.refusal("/oauth/login", body) == (400, "INVALID_STATE")
    unasked = visitor.travel(person).body() | {"code_verifier": secrets.token_urlsafe(32)}
    assert visitor.refusal("/oauth/login", unasked) == (400, "INVALID_STATE")


def test_a_code_of_another_departure_is_refused_by_github_for_its_pkce(visitor: Visitor) -> None:
    """Stolen from its redirect, a code is brought with a state of the thief's own."""
    victim = visitor.travel(stranger(visitor, "hal"))
    thief = visitor.travel(stranger(visitor, "ivo"))
    mixed = {"code": victim.code, "state": thief.state}
    assert visitor.refusal("/oauth/login", mixed) == (401, "PROVIDER_REFUSED")


def test_a_code_and_a_state_of_github_work_once(visitor: Visitor) -> None:
    person = stranger(visitor, "jon")
    trip = visitor.travel(person)
    visitor.post("/oauth/login", trip.body())
    assert visitor.refusal("/oauth/login", trip.body()) == (400, "INVALID_STATE")
    spent = {"code": trip.code, "state": visitor.travel(person).state}
    assert visitor.refusal("/oauth/login", spent) == (401, "PROVIDER_REFUSED")


@pytest.mark.parametrize("answers_as", ["json", "form"])
@pytest.mark.parametrize("bound", [False, True], ids=["free", "bound"])
def test_an_identity_is_bound_to_whoever_is_signed_in(
    visitor: Visitor, answers_as: str, *, bound: bool
) -> None:
    visitor.town.github.answers_as = answers_as
    email = visitor.address("kim")
    pair = visitor.register(email)
    person = stranger(visitor, "kim-at-github")
    trip = visitor.travel(person, bound=bound, headers=bearer(pair)).body()
    bind = visitor.post("/oauth/bind", trip, headers=bearer(pair))
    assert (bind["username"], "email" in bind) == ("kim-at-github", False)
    info = visitor.info(pair)
    assert (info["email"], info["github_id"]) == (email, str(person.id))
    assert visitor.info(bind["token"]) == info
    assert visitor.refresh(pair)["refresh_token"] != visitor.refresh(bind["token"])["refresh_token"]
    welcome = visitor.post("/oauth/login", visitor.travel(person).body())
    assert visitor.info(welcome["token"]) == info
    assert "signing in with github" in visitor.town.post.wait_for(email, count=2).text


def test_binding_takes_the_access_token_in_the_body_too(visitor: Visitor) -> None:
    pair = visitor.sign_in_by_code(visitor.address("leo"))
    person = stranger(visitor, "leo-at-github")
    trip = visitor.travel(person).body()
    visitor.post("/oauth/bind", trip | {"access_token": pair["access_token"]["token"]})
    assert visitor.info(pair)["github_id"] == str(person.id)


def test_a_state_of_one_user_binds_to_nobody_else_and_logs_nobody_in(visitor: Visitor) -> None:
    mia, ned = (visitor.sign_in_by_code(visitor.address(name)) for name in ("mia", "ned"))
    person = stranger(visitor, "mia-at-github")
    begun = [visitor.travel(person, headers=bearer(mia)).body() for _ in range(3)]
    refused = visitor.refusal("/oauth/bind", begun[0], headers=bearer(ned))
    assert refused == (400, "INVALID_STATE")
    assert visitor.refusal("/oauth/login", begun[1]) == (400, "INVALID_STATE")
    visitor.post("/oauth/bind", begun[2], headers=bearer(mia))
    taken = visitor.travel(person, headers=bearer(ned)).body()
    assert visitor.refusal("/oauth/bind", taken, headers=bearer(ned)) == (409, "IDENTITY_TAKEN")
    assert "github_id" not in visitor.info(ned)


def test_a_refresh_token_has_one_successor(visitor: Visitor) -> None:
    first = visitor.sign_in_by_code(visitor.address("oda"))
    second = visitor.refresh(first, "once")
    assert second["refresh_token"] != first["refresh_token"]
    assert visitor.refresh(first, "once")["refresh_token"] == second["refresh_token"]
    third = visitor.refresh(second)
    assert visitor.info(third) == visitor.info(first)
    forged = {"refresh_token": third["refresh_token"]["token"][:-4] + "AAAA"}
    assert visitor.refusal("/token/refresh", forged) == (401, "INVALID_REFRESH_TOKEN")


def test_a_revoked_session_is_over_at_every_worker_at_once(visitor: Visitor) -> None:
    email = visitor.address("pia")
    ended, other = visitor.register(email), visitor.sign_in(email)
    visitor.revoke(ended)
    for _ in range(2):
        refused = visitor.refusal("/token/refresh", token_of(ended))
        assert refused == (401, "INVALID_REFRESH_TOKEN")
        refused = visitor.refusal("/me/login-info", {}, headers=bearer(ended))
        assert refused == (401, "INVALID_TOKEN")
    visitor.revoke(ended)
    assert visitor.post("/token/revoke", {"refresh_token": "never issued"}) == {}
    visitor.refresh(other)


def test_login_info_is_for_bearers_alone(visitor: Visitor) -> None:
    assert visitor.refusal("/me/login-info", {}) == (401, "MISSING_TOKEN")
    wrong = visitor.http.post("/me/login-info", json={"access_token": "no token"})
    assert (wrong.status_code, wrong.json()["reason"]) == (401, "INVALID_TOKEN")
    assert wrong.headers["www-authenticate"].startswith("Bearer error=")


def test_the_key_set_verifies_tokens_and_is_kept_by_its_etag(visitor: Visitor) -> None:
    pair = visitor.sign_in_by_code(visitor.address("quy"))
    token = pair["access_token"]["token"]
    answer = visitor.http.get("/.well-known/jwks.json")
    ring = {key["kid"]: key for key in answer.json()["keys"]}
    key = jwt.PyJWK(ring[jwt.get_unverified_header(token)["kid"]])
    claims = jwt.decode(token, key, algorithms=["RS256"], issuer="identra")
    assert claims["sub"] == visitor.info(pair)["user_id"]
    assert claims["exp"] == pair["access_token"]["expires_at"]
    assert answer.headers["cache-control"] == "public, max-age=300"
    for _ in range(2):
        kept = {"If-None-Match": answer.headers["etag"]}
        again = visitor.http.get("/.well-known/jwks.json", headers=kept)
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == answer.headers["etag"]


def test_github_is_listed(visitor: Visitor) -> None:
    listed = visitor.http.get("/oauth/providers").json()
    assert listed == {"providers": [{"name": "github", "enabled": True}]}


@pytest.mark.parametrize("home", ["sqlite and redis", "postgres", "mysql"])
def test_one_journey_on_the_other_pairs_of_stores(home: str, build_town: Build) -> None:
    """Every way in, to an account that is there and to one that is not."""
    with build_town(home) as town, client(town.service) as http:
        visitor = Visitor(http, town)
        email = visitor.address("ria")
        pair = visitor.register(email)
        person = stranger(visitor, "ria-at-github")
        trip = visitor.travel(person, bound=True, headers=bearer(pair)).body()
        visitor.post("/oauth/bind", trip, headers=bearer(pair))
        info = visitor.info(pair)
        for other in (
            visitor.sign_in(email),
            visitor.post("/oauth/login", visitor.travel(person).body())["token"],
            visitor.refresh(pair),
        ):
            assert visitor.info(other) == info
        visitor.post("/email/code", {"email": email})
        body = {"email": email, "code": visitor.mailed_code(email, count=3)}
        last = visitor.post("/email/login", body)["token"]
        assert visitor.info(last) == info
        visitor.revoke(last)
        assert visitor.refusal("/token/refresh", token_of(last)) == (401, "INVALID_REFRESH_TOKEN")
        assert town.count("users") == 1
        by_code = visitor.sign_in_by_code(visitor.address("sam"))
        at_github = visitor.travel(stranger(visitor, "tea-at-github")).body()
        by_github = visitor.post("/oauth/login", at_github)["token"]
        assert visitor.info(by_code)["email"] == visitor.address("sam")
        assert visitor.info(by_github)["email"] == visitor.address("tea-at-github")
        assert town.count("users") == 3
