"""What leads into an account, and what does not."""

from __future__ import annotations

import pytest

from identra.errors import LastLoginMethod
from identra.users import Identity, OwnAddress, User
from identra.ways import Ways

EVERY = Ways(frozenset({"github", "sms"}), frozenset({"password"}), mails=True)
CLAIM, PROVED = OwnAddress("claim@example.com", None), OwnAddress("ada@example.com", 1)
GITHUB, GONE = Identity("github", "1", "", 1), Identity("closed", "1", "", 1)


def user(
    *addresses: OwnAddress, identities: tuple[Identity, ...] = (), secrets: tuple[str, ...] = ()
) -> User:
    return User("ada", 1, None, None, None, addresses, identities, secrets)


LEADS = {
    "a proved address": (EVERY, user(PROVED)),
    "an identity at a place that serves": (EVERY, user(identities=(GITHUB,))),
    "a password beside an address, be it a claim": (EVERY, user(CLAIM, secrets=("password",))),
    "a password beside a proved address, without mail": (
        Ways(frozenset(), frozenset({"password"}), mails=False),
        user(PROVED, secrets=("password",)),
    ),
}
LEADS_NOWHERE = {
    "nothing": (EVERY, user()),
    "a claim": (EVERY, user(CLAIM)),
    "a proved address where no mail leaves": (
        Ways(frozenset(), frozenset(), mails=False),
        user(PROVED),
    ),
    "an identity at a place that does not serve": (EVERY, user(identities=(GONE,))),
    "a password without an address": (EVERY, user(secrets=("password",))),
    "a secret of a kind that is off": (EVERY, user(CLAIM, secrets=("pin",))),
}


@pytest.mark.parametrize(("ways", "her"), LEADS.values(), ids=LEADS)
def test_it_leads_in(ways: Ways, her: User) -> None:
    assert ways.lead_to(her)
    ways.demand(her)


@pytest.mark.parametrize(("ways", "her"), LEADS_NOWHERE.values(), ids=LEADS_NOWHERE)
def test_it_leads_nowhere(ways: Ways, her: User) -> None:
    assert not ways.lead_to(her)
    with pytest.raises(LastLoginMethod):
        ways.demand(her)
