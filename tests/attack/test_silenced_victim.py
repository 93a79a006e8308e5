"""The attacker keeps failing in the victim's name, so that the limits meant against her shut the
victim out; what one network spends must not be spent for another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import pytest
from callers import Caller, House, open_house, reason, tokens
from homes import PASSWORD, code_for, mails_to

from identra.limits import network_of
from identra.values import Peer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    import httpx
    from clock import FrozenClock

    from identra.settings import Persistence

ADA = "ada@example.com"
WRONG = "not the right password"
AN_HOUR, A_DAY = 3_600, 86_400
Act: TypeAlias = "Callable[[Caller], Awaitable[httpx.Response]]"


async def _registered(house: House) -> Caller:
    victim = house.caller()
    await victim.register(ADA)
    tokens(await victim.confirm(ADA, code_for(house.app, ADA)))
    return victim


async def _until_limited(act: Act, attacker: Caller) -> httpx.Response:
    for _ in range(200):
        answer = await act(attacker)
        if answer.status_code == 429:
            return answer
    raise AssertionError("nothing ever limits her")


async def test_failed_logins_from_one_network_never_stop_a_login_from_another(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    """She fails as fast as she is let, for an hour; the victim gets in at any time, at once."""
    async with open_house(tmp_path, persistence, clock=clock) as house:
        victim, attacker = await _registered(house), house.caller()
        began = clock()
        while clock() - began < AN_HOUR * 1_000_000:
            limited = await _until_limited(lambda who: who.log_in(ADA, WRONG), attacker)
            assert reason(limited) == "RATE_LIMITED"
            tokens(await victim.log_in(ADA))
            clock.advance(int(limited.headers["retry-after"]))


async def test_her_own_network_waits_longer_and_longer_even_for_the_right_password(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    """From 1 to 15 minutes; what is said meanwhile is not judged."""
    waits = []
    async with open_house(tmp_path, persistence, clock=clock) as house:
        await _registered(house)
        attacker = house.caller()
        for _ in range(6):
            limited = await _until_limited(lambda who: who.log_in(ADA, WRONG), attacker)
            assert reason(await attacker.log_in(ADA, PASSWORD)) == "RATE_LIMITED"
            waits.append(int(limited.headers["retry-after"]))
            clock.advance(waits[-1])
    assert waits == [60, 120, 240, 480, 900, 900]


async def test_failures_about_others_do_not_make_a_subject_wait(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    """Ten a minute is what a network may fail in all; after it she is served again."""
    async with open_house(tmp_path, persistence, clock=clock) as house:
        await _registered(house)
        attacker = house.caller()
        for number in range(10):
            refused = await attacker.log_in(f"nobody{number}@example.com", WRONG)
            assert reason(refused) == "INVALID_CREDENTIALS"
        assert reason(await attacker.log_in(ADA)) == "RATE_LIMITED"
        clock.advance(60)
        tokens(await attacker.log_in(ADA))


async def test_guessed_codes_from_one_network_leave_the_victim_her_own_guesses(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    """She may burn the code that lives; the next one is sent at once, and is the victim's."""
    async with open_house(tmp_path, persistence, clock=clock) as house:
        victim, attacker = house.caller(), house.caller()
        await victim.ask_code(ADA)
        await _until_limited(lambda who: who.answer(ADA, "x"), attacker)
        assert reason(await victim.answer(ADA, code_for(house.app, ADA))) == "INVALID_CODE"
        await victim.ask_code(ADA)
        assert len(mails_to(house.app, ADA)) == 2
        assert reason(await attacker.answer(ADA, "x")) == "RATE_LIMITED"
        tokens(await victim.answer(ADA, code_for(house.app, ADA)))


async def test_codes_asked_for_from_one_network_leave_the_victim_her_own_mail(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    """For logins and registrations alike: five an hour and ten a day are one network's share."""
    acts = (
        lambda who: who.ask_code(ADA),
        lambda who: who.register(ADA, PASSWORD),
    )
    async with open_house(tmp_path, persistence, clock=clock) as house:
        attacker = house.caller()
        for _ in range(3):
            for act in acts:
                limited = await _until_limited(act, attacker)
                assert int(limited.headers["retry-after"]) <= A_DAY
            clock.advance(AN_HOUR)
        for act in acts:
            assert reason(await act(attacker)) == "RATE_LIMITED"
        victim = house.caller()
        assert reason(await victim.ask_code(ADA)) == "200"
        tokens(await victim.answer(ADA, code_for(house.app, ADA)))
        assert reason(await victim.register(ADA)) == "202"


async def test_neighbours_in_one_ipv6_network_are_one_peer(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    """A /64 holds as many addresses as she likes, and counts once."""
    async with open_house(tmp_path, persistence, clock=clock) as house:
        victim = await _registered(house)
        attackers = [Caller(house.http, f"2001:db8:0:7::{n:x}") for n in range(1, 8)]
        told = [reason(await who.log_in(ADA, WRONG)) for who in attackers]
        assert told == ["INVALID_CREDENTIALS"] * 5 + ["RATE_LIMITED"] * 2
        elsewhere = Caller(house.http, "2001:db8:0:8::1")
        assert reason(await elsewhere.log_in(ADA, WRONG)) == "INVALID_CREDENTIALS"
        tokens(await victim.log_in(ADA))


@pytest.mark.parametrize(
    ("found", "network"),
    [
        ("2001:db8:0:7::1", "2001:db8:0:7::/64"),
        ("2001:db8:0:7:ffff:ffff:ffff:ffff", "2001:db8:0:7::/64"),
        ("2001:db8:0:7::/64", "2001:db8:0:7::/64"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("203.0.113.7", "203.0.113.7"),
        ("", None),
        (None, None),
    ],
)
def test_a_peer_is_counted_by_one_network_however_its_door_names_it(
    found: str | None, network: str | None
) -> None:
    assert network_of(Peer(found)) == network


async def test_a_forwarded_address_counts_only_from_a_trusted_proxy(
    tmp_path: Path, persistence: Persistence
) -> None:
    """Whoever may choose her own peer has no limit, and may spend any other's."""
    nobody: dict[str, dict[str, object]] = {"http": {"trusted_proxies": []}}
    async with open_house(tmp_path, persistence, sections=nobody) as house:
        told = [reason(await house.caller().log_in(ADA, WRONG)) for _ in range(7)]
        assert told == ["INVALID_CREDENTIALS"] * 5 + ["RATE_LIMITED"] * 2
        chain = {"X-Forwarded-For": "203.0.113.77, 203.0.113.78"}
        spoofed = await house.caller().say(
            "/password/login", {"email": ADA, "password": WRONG}, **chain
        )
        assert reason(spoofed) == "RATE_LIMITED"


async def test_what_stands_left_of_the_client_in_a_chain_is_hers_to_invent(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with open_house(tmp_path, persistence) as house:
        told = []
        for number in range(7):
            who = Caller(house.http, f"192.0.2.{number}, 198.51.100.9")
            told.append(reason(await who.log_in(ADA, WRONG)))
        assert told == ["INVALID_CREDENTIALS"] * 5 + ["RATE_LIMITED"] * 2
