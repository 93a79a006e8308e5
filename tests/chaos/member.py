"""Somebody who does this and that through both doors, and writes down what she is told."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

from chaos.people import Person, Session, learn_session, learn_successor
from standin.github import Email
from standin.github import Person as Account
from visitor import PASSWORD

from identra.sessions import read

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from chaos.asking import Doors
    from chaos.ledger import Entry
    from chaos.nodes import Nodes
    from doors import Door, Said

PAUSE = 0.1
"""Seconds before one who was refused for want of something asks again."""
LETTER = 3.0
"""Seconds within which a letter comes, if it comes."""
MOST_CODES = 4
"""Of one address: it may ask for five an hour."""
KEPT = 30
"""How many sessions one member goes on using."""


@dataclass(eq=False)
class Member:
    """One of those who ask. `sessions` are all that she was told of, the newest last."""

    number: int
    nodes: Nodes
    doors: Doors
    chance: random.Random
    pace: float = 0.0
    people: list[Person] = field(default_factory=list)
    sessions: list[Session] = field(default_factory=list)

    def live(self, over: Callable[[], bool]) -> None:
        """Do this and that until it is over."""
        acts: dict[Callable[[], None], int] = {
            self.register: 1,
            self.sign_in: 2,
            self.sign_in_by_code: 2,
            self.sign_in_by_account: 2,
            self.bind: 1,
            self.refresh: 8,
            self.refresh_twice_at_once: 1,
            self.revoke: 2,
            self.revoke_all: 1,
            self.ask_who_she_is: 5,
            self.ask_for_keys: 2,
        }
        while not over():
            self.chance.choices(list(acts), list(acts.values()))[0]()
            threading.Event().wait(self.pace)

    def somebody(self) -> Person:
        """A new person from a network of her own."""
        number = len(self.people)
        name = f"p{number}-{self.number}-{self.nodes.name}"
        at_github = self.chance.randrange(10**9) + 1
        shares = self.chance.random() < 1 / 2
        emails = (Email(f"{name}@example.com"),) if shares else ()
        network = f"2001:db8:{self.number:x}:{number:x}::1"
        person = Person(name, network, Account(at_github, name, emails), shares)
        self.people.append(person)
        return person

    def register(self) -> None:
        person = self.somebody()
        body = {"email": person.mail, "password": PASSWORD}
        if code := self._code(person, "RegisterByPassword", body):
            person.registered = self._open(
                person, "confirm", "ConfirmPasswordRegistration", body | {"code": code},
                finders=person.by_mail, proof=_proof("registration", person, code),
            )  # fmt: skip

    def sign_in(self) -> None:
        known = [person for person in self.people if person.registered]
        if not known:
            self.register()
            return
        person = self.chance.choice(known)
        body = {"email": person.mail, "password": PASSWORD}
        self._open(person, "password", "LoginByPassword", body, finders=person.by_mail)

    def sign_in_by_code(self) -> None:
        """As somebody new, or one whom she was before; now and then twice with the same code."""
        known = [person for person in self.people if person.codes < MOST_CODES]
        person = self.chance.choice(known) if known and self._may() else self.somebody()
        if not (code := self._code(person, "SendLoginEmailCode", {"email": person.mail})):
            return
        body = {"email": person.mail, "code": code}
        known_of = {"finders": person.by_mail, "proof": _proof("login", person, code)}
        self._at_once(
            lambda: self._open(person, "code", "LoginByEmailCode", body, **known_of),
            times=2 if self.chance.random() < 1 / 4 else 1,
        )

    def sign_in_by_account(self) -> None:
        person = self.chance.choice(self.people) if self.people and self._may() else self.somebody()
        if trip := self._trip(person.account, self._from(person)):
            known = {"finders": person.by_account, "proof": f"state {trip['state']}"}
            self._open(person, "oauth", "LoginByOAuth", trip, **known)

    def bind(self) -> None:
        """An account at GitHub that nobody has yet, without an address."""
        if (session := self._some()) is None:
            return
        account = Account(self.chance.randrange(10**9) + 1, "further", ())
        metadata = self._bearer(session)
        if trip := self._trip(account, metadata, session):
            known = {"finders": (f"github:{account.id}",), "proof": f"state {trip['state']}"}
            known |= {"session": session.name, "user": session.user}
            self._open(session.person, "bind", "BindUserByOAuth", trip, metadata, **known)

    def refresh(self) -> None:
        """With the same key until there is an answer."""
        if (session := self._some()) is None:
            return
        session.key = session.key or self._key()
        entry, answer = self._refresh(session, session.key)
        if entry.acknowledged:
            session.pair, session.key = answer["token"], ""
        elif entry.reason == "INVALID_REFRESH_TOKEN":
            session.over = True

    def refresh_twice_at_once(self) -> None:
        """As the owner and a thief: at most one is served, and the session ends."""
        if (session := self._some()) is None or session.key:
            return
        session.over = True
        self._at_once(lambda: self._refresh(session, self._key()), times=2)

    def revoke(self) -> None:
        if (session := self._some()) is None:
            return
        request = {"refresh_token": session.refresh}
        metadata = self._from(session.person)
        known = {"session": session.name, "user": session.user}
        entry, _ = self.doors.ask(
            "revoke", self._door(), "RevokeRefreshToken", request, metadata, **known
        )
        session.over = entry.acknowledged

    def revoke_all(self) -> None:
        if (session := self._some()) is None:
            return
        known = {"session": session.name, "user": session.user}
        entry = self.doors.end_all(self._bearer(session), **known)
        if entry.acknowledged:
            for one in self.sessions:
                one.over = one.over or one.user == session.user
        elif entry.reason == "INVALID_TOKEN":
            session.over = True
        self._wait_after(entry)

    def ask_who_she_is(self) -> None:
        """Of one that is over as well, now and then: it stays so."""
        ended = [one for one in self.sessions[-KEPT:] if one.over]
        session = self.chance.choice(ended) if ended and self._may(5) else self._some()
        if session is None:
            return
        entry, answer = self.doors.ask(
            "info", self._door(), "GetCurrentUserLoginInfo", {}, self._bearer(session),
            session=session.name, user=session.user,
        )  # fmt: skip
        if entry.acknowledged:
            assert answer["user_id"] == session.user, "told of another"
        elif entry.reason == "INVALID_TOKEN":
            session.over = True
        self._wait_after(entry)

    def ask_for_keys(self) -> None:
        """Of no network: it is asked for so often by many."""
        entry, answer = self.doors.ask("keys", self._door(), "GetJWKS", {}, {})
        assert not entry.acknowledged or answer["keys"]
        self._wait_after(entry)

    def _refresh(self, session: Session, key: str) -> tuple[Entry, Said]:
        shown = read(session.refresh)
        assert shown
        entry, answer = self.doors.ask(
            "refresh", self._door(), "RefreshToken", {"refresh_token": session.refresh},
            self._from(session.person) | {"idempotency-key": key},
            session=session.name, generation=shown.generation, key=key, user=session.user,
            learn=learn_successor,
        )  # fmt: skip
        self._wait_after(entry)
        return entry, answer

    def _open(
        self,
        person: Person,
        act: Any,
        method: str,
        request: Said,
        metadata: dict[str, str] | None = None,
        **known: Any,
    ) -> bool:
        """Whether a session was opened, as far as was told."""
        entry, answer = self.doors.ask(
            act, self._door(), method, request, metadata or self._from(person),
            learn=learn_session, **known,
        )  # fmt: skip
        if entry.acknowledged:
            opened = Session(person, answer["token"], entry.session, entry.user)
            self.sessions.append(opened)
        self._wait_after(entry)
        return entry.acknowledged

    def _code(self, person: Person, method: str, request: Said) -> str | None:
        """Ask for a code, and read it; None if no letter comes, or nobody says that it will."""
        person.codes += 1
        before = len(self.nodes.post.box.to(person.mail))
        entry, _ = self.doors.ask("ask", self._door(), method, request, self._from(person))
        self._wait_after(entry)
        if not entry.acknowledged:
            person.codes = MOST_CODES
            return None
        return self.nodes.code_after(person.mail, before, LETTER)

    def _trip(
        self, account: Account, metadata: dict[str, str], session: Session | None = None
    ) -> Said | None:
        """To GitHub as this person, and back."""
        known = {"session": session.name, "user": session.user} if session else {}
        entry, answer = self.doors.ask(
            "begin", self._door(), "GetOAuthAuthorizationURL", {"provider": "github"}, metadata,
            **known,
        )  # fmt: skip
        self._wait_after(entry)
        if not entry.acknowledged:
            return None
        back = self.nodes.approve(account, answer["url"])
        return {"code": back["code"], "state": back["state"]}

    def _some(self) -> Session | None:
        """A session of hers that she has not given up; she signs in where there is none."""
        live = [one for one in self.sessions[-KEPT:] if not one.over]
        if live:
            return self.chance.choice(live)
        self.sign_in_by_account()
        return None

    def _at_once(self, act: Callable[[], object], times: int) -> None:
        if times == 1:
            act()
            return
        with ThreadPoolExecutor(times) as threads:
            for one in [threads.submit(act) for _ in range(times)]:
                one.result()

    def _door(self) -> Door:
        return self.chance.choice((self.doors.rest, self.doors.rpc))

    def _may(self, times: int = 2) -> bool:
        """Once in so many times."""
        return self.chance.random() < 1 / times

    def _key(self) -> str:
        return UUID(int=self.chance.getrandbits(128)).hex

    def _from(self, person: Person) -> dict[str, str]:
        return {"x-forwarded-for": person.network}

    def _bearer(self, session: Session) -> dict[str, str]:
        return self._from(session.person) | {"authorization": f"Bearer {session.access}"}

    def _wait_after(self, entry: Entry) -> None:
        if not entry.acknowledged:
            threading.Event().wait(PAUSE)


def _proof(purpose: str, person: Person, code: str) -> str:
    """A code and which of hers it is: of a million codes, chance gives somebody one twice."""
    return f"{purpose} {person.mail} {code}, asked {person.codes}"
