"""Twenty at the same moment, shared out between two workers: one wins where one may win."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from standin.github import Email, Person
from town import at_once, client
from visitor import PASSWORD, Visitor, bearer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from town import Town

MANY = 20
NUMBERS = iter(range(1_000_000_000, 2_000_000_000))
Posts = list[tuple[str, dict[str, str]]]


@pytest.fixture
def prefix() -> str:
    return ""


def race(visitor: Visitor, posts: Posts) -> tuple[list[dict[str, Any]], Counter[str]]:
    """The bodies of those that succeeded, and how often each reason was given to the others."""
    answers = at_once([visitor.town.service], posts)
    won = [answer.json() for answer in answers if answer.is_success]
    return won, Counter(answer.json()["reason"] for answer in answers if not answer.is_success)


def person(visitor: Visitor, name: str) -> Person:
    return Person(next(NUMBERS), name, (Email(visitor.address(name)),))


def user_of(visitor: Visitor, pair: dict[str, Any]) -> str:
    """The user whom a pair is for, whom nobody shares the house with by accident."""
    return str(visitor.info(pair)["user_id"])


def strays(town: Town) -> int:
    """Users whom nothing leads to: the halves of lost races."""
    owned = "SELECT user_id FROM identra_emails UNION SELECT user_id FROM identra_identities"
    return town.count("users", f"id NOT IN ({owned})")


def test_of_many_right_answers_to_one_mailed_code_one_wins(visitor: Visitor) -> None:
    email = visitor.address("ada")
    body = {"email": email, "code": visitor.ask_code(email)}
    won, lost = race(visitor, [("/email/login", body)] * MANY)
    assert (len(won), lost) == (1, Counter(INVALID_CODE=MANY - 1))
    user = user_of(visitor, won[0]["token"])
    assert visitor.town.count("emails", "user_id = {}", user) == 1
    assert visitor.town.count("sessions", "user_id = {}", user) == 1
    assert strays(visitor.town) == 0


def test_of_many_confirmations_with_one_mailed_code_one_wins(visitor: Visitor) -> None:
    email = visitor.address("bea")
    asked = {"email": email, "password": PASSWORD}
    visitor.post("/password/register", asked)
    body = asked | {"code": visitor.mailed_code(email)}
    won, lost = race(visitor, [("/password/register/confirm", body)] * MANY)
    assert len(won) == 1
    assert set(lost) <= {"INVALID_CODE", "BUSY"}
    user = user_of(visitor, won[0]["token"])
    assert visitor.town.count("credentials", "user_id = {}", user) == 1
    assert visitor.town.count("sessions", "user_id = {}", user) == 1
    assert strays(visitor.town) == 0


def test_of_many_returns_with_one_state_and_code_one_wins(visitor: Visitor) -> None:
    body = visitor.travel(person(visitor, "cai"), bound=True).body()
    won, lost = race(visitor, [("/oauth/login", body)] * MANY)
    assert (len(won), lost) == (1, Counter(INVALID_STATE=MANY - 1))
    user = user_of(visitor, won[0]["token"])
    assert visitor.town.count("sessions", "user_id = {}", user) == 1
    assert strays(visitor.town) == 0


def test_of_many_bindings_with_one_state_and_code_one_wins(visitor: Visitor) -> None:
    pair = visitor.sign_in_by_code(visitor.address("dan"))
    trip = visitor.travel(person(visitor, "dan-at-github"), headers=bearer(pair)).body()
    body = trip | {"access_token": pair["access_token"]["token"]}
    won, lost = race(visitor, [("/oauth/bind", body)] * MANY)
    assert (len(won), lost) == (1, Counter(INVALID_STATE=MANY - 1))
    user = user_of(visitor, pair)
    assert user_of(visitor, won[0]["token"]) == user
    assert visitor.town.count("identities", "user_id = {}", user) == 1
    assert visitor.town.count("sessions", "user_id = {}", user) == 2


def test_of_many_immediate_registrations_of_one_address_one_wins(hasty_town: Town) -> None:
    with client(hasty_town.service) as http:
        visitor = Visitor(http, hasty_town)
        email = visitor.address("eve")
        body = {"email": email, "password": PASSWORD}
        won, lost = race(visitor, [("/password/register", body)] * MANY)
        assert len(won) == 1
        assert set(lost) <= {"EMAIL_TAKEN", "BUSY"}
        user = user_of(visitor, won[0]["token"])
        assert user_of(visitor, visitor.sign_in(email)) == user
    assert hasty_town.count("emails", "email = {}", email) == 1
    assert hasty_town.count("credentials", "user_id = {}", user) == 1
    assert strays(hasty_town) == 0


def test_many_first_logins_of_one_identity_make_one_user(visitor: Visitor) -> None:
    somebody = person(visitor, "fay")
    trips = [visitor.travel(somebody).body() for _ in range(MANY)]
    won, lost = race(visitor, [("/oauth/login", trip) for trip in trips])
    assert lost == Counter()
    (user,) = {user_of(visitor, one["token"]) for one in won}
    assert visitor.town.count("identities", "subject = {}", str(somebody.id)) == 1
    assert visitor.town.count("emails", "user_id = {}", user) == 1
    assert visitor.town.count("sessions", "user_id = {}", user) == MANY
    assert strays(visitor.town) == 0


def test_first_logins_of_one_address_by_three_ways_make_one_user(visitor: Visitor) -> None:
    """A code to log in, a code to register and GitHub all vouch for it at the same moment."""
    somebody = person(visitor, "gil")
    won, lost = race(visitor, list(_three_ways(visitor, somebody)))
    assert set(lost) <= {"INVALID_CODE"}
    assert len(won) == 8
    (user,) = {user_of(visitor, one["token"]) for one in won}
    for table, rows in {"emails": 1, "identities": 1, "credentials": 1, "sessions": 8}.items():
        assert visitor.town.count(table, "user_id = {}", user) == rows, table
    assert strays(visitor.town) == 0


def _three_ways(visitor: Visitor, somebody: Person) -> Iterator[tuple[str, dict[str, str]]]:
    email = somebody.emails[0].email
    asked = {"email": email, "password": PASSWORD}
    visitor.post("/password/register", asked)
    confirmation = asked | {"code": visitor.mailed_code(email)}
    visitor.post("/email/code", {"email": email})
    answer = {"email": email, "code": visitor.mailed_code(email, count=2)}
    for _ in range(6):
        yield "/email/login", answer
        yield "/password/register/confirm", confirmation
        yield "/oauth/login", visitor.travel(somebody).body()
    yield "/email/login", answer
    yield "/password/register/confirm", confirmation
