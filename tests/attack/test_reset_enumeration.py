"""The attacker asks for a new password for an address to learn whether anybody has it, has proved
it, has a password, or is disabled: the answer is the same to the byte, and as much is done for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from callers import Caller, House, open_house, reason, tokens
from homes import PASSWORD, code_for, mails_to
from plans import counted

from identra.app import opened_office
from identra.mail import Outbox
from identra.settings import load

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    import httpx
    from clock import FrozenClock

    from identra.settings import Persistence
    from identra.values import Message

OF_EACH_ANSWER = {"x-request-id", "x-attempt-id"}
NOBODY, PROVED = "nobody@example.com", "password@example.com"
KNOWN = ("password", "code", "claimed", "disabled")


def told(answer: httpx.Response) -> tuple[object, ...]:
    """All that an answer tells, but for the ids that every answer has of its own."""
    headers = sorted(
        (name, value) for name, value in answer.headers.items() if name not in OF_EACH_ANSWER
    )
    own = answer.headers["x-request-id"]
    return answer.status_code, headers, answer.text.replace(own, "its id")


async def settle(house: House) -> tuple[str, ...]:
    """Addresses in every condition that this house knows, the unknown one first."""
    async with opened_office(load(house.settings, {})) as office:
        await office.create(PROVED, PASSWORD, proved=True, by="test")
        await office.create("code@example.com", None, proved=True, by="test")
        await office.create("claimed@example.com", PASSWORD, proved=False, by="test")
        await office.create("disabled@example.com", PASSWORD, proved=True, by="test")
        await office.disable("disabled@example.com", "", by="test")
    return (NOBODY, *(f"{name}@example.com" for name in KNOWN))


async def ask(who: Caller, email: str) -> httpx.Response:
    return await who.say("/password/reset", {"email": email})


async def confirm(who: Caller, email: str, password: str = PASSWORD) -> httpx.Response:
    body = {"email": email, "code": "x", "password": password}
    return await who.say("/password/reset/confirm", body)


async def until_limited(who: Caller, email: str) -> httpx.Response:
    answer, calls = await ask(who, email), 1
    while answer.status_code != 429:
        answer, calls = await ask(who, email), calls + 1
    answer.headers["calls"] = str(calls)
    return answer


async def alike(
    house: House,
    emails: tuple[str, ...],
    act: Callable[[Caller, str], Awaitable[httpx.Response]],
) -> httpx.Response:
    """Each address is asked about from a network of its own; one of the equal answers."""
    answers = [await act(house.caller(), email) for email in emails]
    for email, answer in zip(emails, answers, strict=True):
        assert told(answer) == told(answers[0]), email
    return answers[0]


async def test_asking_and_answering_are_the_same_for_every_address(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    async with open_house(tmp_path, persistence, clock=clock) as house:
        emails = await settle(house)
        asked = await alike(house, emails, ask)
        assert (asked.status_code, asked.text) == (200, "{}")
        assert reason(await alike(house, emails, confirm)) == "INVALID_CODE"
        assert reason(await alike(house, emails, lambda who, email: confirm(who, email, ""))) == (
            "INVALID_ARGUMENT"
        )
        clock.advance(61)
        assert reason(await alike(house, emails, until_limited)) == "RATE_LIMITED"
        mailed = {email for email in emails if mails_to(house.app, email)}
        assert mailed == {PROVED, "code@example.com", "disabled@example.com"}


async def test_the_same_is_done_whoever_has_the_address(
    tmp_path: Path, persistence: Persistence
) -> None:
    """Statement by statement, so that no measurement of time tells them apart."""
    async with open_house(tmp_path, persistence) as house:
        emails = await settle(house)
        with counted(house.app.database) as counting:
            for email in emails:
                who, counting.name = house.caller(), email
                assert reason(await ask(who, email)) == "200"
                assert reason(await confirm(who, email)) == "INVALID_CODE"
            counting.demand_alike(emails)


async def test_a_letter_is_written_for_every_address_and_leaves_for_those_that_are_proved(
    tmp_path: Path, persistence: Persistence
) -> None:
    """Writing it takes its time, and a full queue of mails is told to everybody or to nobody."""
    post = Writing()
    async with open_house(tmp_path, persistence, mailer=post) as house:
        emails = await settle(house)
        for email in emails:
            await ask(house.caller(), email)
        assert {letter.to for letter in post.withheld} == {NOBODY, "claimed@example.com"}
        assert len(post.messages) + len(post.withheld) == len(emails)


async def test_a_reset_tells_its_owner_alone_that_she_is_known(
    tmp_path: Path, persistence: Persistence
) -> None:
    """The code is the proof; without it nobody hears of a disabled account either."""
    async with open_house(tmp_path, persistence) as house:
        await settle(house)
        who = house.caller()
        await ask(who, PROVED)
        body = {"email": PROVED, "code": code_for(house.app, PROVED), "password": "a new phrase"}
        assert tokens(await who.say("/password/reset/confirm", body))


class Writing(Outbox):
    """Keeps what does not leave, too."""

    def __init__(self) -> None:
        super().__init__()
        self.withheld: list[Message] = []

    def commission(self, to: str, write: Callable[[], Message], *, leaves: bool = True) -> None:
        super().commission(to, write, leaves=leaves)
        if not leaves:
            self.withheld.append(write())
