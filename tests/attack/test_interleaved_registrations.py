"""The attacker registers the victim's address beside her, so that the victim's mailed code sets
the attacker's password; the password that counts is the one sent with the code, and no other.
"""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING

from callers import House, open_house, reason
from homes import code_for, mails_to

if TYPE_CHECKING:
    from pathlib import Path

    from clock import FrozenClock

    from identra.settings import Persistence

HERS = "the victim's own password"
EVIL = "the attacker's password"
REFUSED = "INVALID_CODE"
ACTS = ("attacker begins", "victim begins", "attacker guesses", "victim confirms")
ORDERS = [
    order
    for order in permutations(ACTS)
    if order.index("victim begins") < order.index("victim confirms")
]
WITHIN_A_MINUTE, LATER = 1, 61


async def _play(house: House, clock: FrozenClock, order: tuple[str, ...], pause: int) -> None:
    """Every order of acts, with the mail resent between them or not."""
    before = await house.rows("users", "credentials")
    email = f"ada{before['users']}@example.com"
    victim, attacker = house.caller(), house.caller()
    for act in order:
        if act == "attacker begins":
            assert (await attacker.register(email, EVIL)).text == "{}"
        elif act == "victim begins":
            assert (await victim.register(email, HERS)).text == "{}"
        elif act == "attacker guesses":
            assert reason(await attacker.confirm(email, _no_code(house, email), EVIL)) == REFUSED
        else:
            assert await house.rows("users", "credentials") == before
            code = code_for(house.app, email)
            assert reason(await victim.confirm(email, code, HERS)) == "200"
        clock.advance(pause)
    assert reason(await attacker.log_in(email, EVIL)) == "INVALID_CREDENTIALS"
    assert reason(await victim.log_in(email, HERS)) == "200"


def _no_code(house: House, email: str) -> str:
    right = code_for(house.app, email) if mails_to(house.app, email) else ""
    return "000000" if right != "000000" else "000001"


async def test_the_password_of_whoever_does_not_read_the_mail_never_becomes_active(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    assert len(ORDERS) == 12
    async with open_house(tmp_path, persistence, clock=clock) as house:
        for pause in (WITHIN_A_MINUTE, LATER):
            for order in ORDERS:
                try:
                    await _play(house, clock, order, pause)
                except AssertionError as fault:
                    fault.add_note(f"{order}, {pause} s between them")
                    raise


async def test_a_registration_begun_after_the_victims_changes_nothing(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    """Once she has a password the mail holds no code, and the attacker's answer tells nothing."""
    async with open_house(tmp_path, persistence, clock=clock) as house:
        victim, attacker = house.caller(), house.caller()
        first = await victim.register("ada@example.com", HERS)
        code = code_for(house.app, "ada@example.com")
        assert reason(await victim.confirm("ada@example.com", code, HERS)) == "200"
        clock.advance(LATER)
        again = await attacker.register("ada@example.com", EVIL)
        assert (again.status_code, again.text) == (first.status_code, first.text)
        assert len(mails_to(house.app, "ada@example.com")) == 2
        assert code_for(house.app, "ada@example.com") == code
        for tried in (code, "000000", ""):
            refused = await attacker.confirm("ada@example.com", tried, EVIL)
            assert reason(refused) == REFUSED
        assert reason(await victim.log_in("ada@example.com", HERS)) == "200"
