"""May this assertion open that user? The whole table, row by row."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identra.errors import (
    EmailTaken,
    IdentityTaken,
    InvalidCode,
    InvalidCredentials,
    SignUpClosed,
    UserDisabled,
)
from identra.linking import (
    Candidate,
    Decision,
    Known,
    decide,
    decide_address,
    decide_binding,
    decide_invitation,
    decide_registration,
    decide_reset,
    decide_secret,
)
from identra.values import Assertion

ADA = Candidate("ada", disabled=False, proved=True)
EVE = Candidate("eve", disabled=False, proved=False)
OFF = Candidate("off", disabled=True, proved=True)
MUTE = Candidate("mute", disabled=True, proved=False)


def github(address: str | None = "ada@example.com") -> Assertion:
    return Assertion(provider="github", subject="1", address=address, amr=(), at=1)


def code() -> Assertion:
    return Assertion(provider="email", subject=None, address="ada@example.com", amr=("otp",), at=1)


LOGIN = {
    "a known identity is that user, whatever its address says": (
        github(),
        Known(identity=ADA, claimant=EVE),
        Decision(user_id="ada"),
    ),
    "a known identity of a disabled user is refused": (
        github(),
        Known(identity=OFF),
        Decision(refusal=UserDisabled),
    ),
    "no vouched address: a new user without it": (
        github(address=None),
        Known(),
        Decision(link=True),
    ),
    "a vouched address that belongs to nobody: a new user owning it, proved": (
        github(),
        Known(),
        Decision(link=True, prove=True),
    ),
    "a mailed code for an address that belongs to nobody writes no identity": (
        code(),
        Known(),
        Decision(prove=True),
    ),
    "a vouched address that a user proved here links to her, and she is told": (
        github(),
        Known(owner=ADA),
        Decision(user_id="ada", link=True, tell=True),
    ),
    "a mailed code for an address a user proved lets her in": (
        code(),
        Known(owner=ADA),
        Decision(user_id="ada"),
    ),
    "an address proved by a disabled user is refused, never a new user": (
        github(),
        Known(owner=OFF),
        Decision(refusal=UserDisabled),
    ),
    "a disabled mere claimant loses the claim, as if the address belonged to nobody": (
        code(),
        Known(claimant=MUTE),
        Decision(prove=True, unclaim="mute"),
    ),
    "a claimant whose live session came along keeps everything and proves it": (
        code(),
        Known(claimant=EVE, live="eve"),
        Decision(user_id="eve", prove=True),
    ),
    "a claimant with nothing proved: that user, her password and sessions dropped, told": (
        code(),
        Known(claimant=EVE),
        Decision(user_id="eve", prove=True, lock_out="eve", tell=True),
    ),
    "another's live session does not spare the claimant": (
        code(),
        Known(claimant=EVE, live="ada"),
        Decision(user_id="eve", prove=True, lock_out="eve", tell=True),
    ),
    "a claimant with something proved loses the claim and nothing else": (
        github(),
        Known(claimant=ADA),
        Decision(link=True, prove=True, unclaim="ada"),
    ),
}


@pytest.mark.parametrize(("assertion", "known", "decision"), LOGIN.values(), ids=LOGIN)
def test_login(assertion: Assertion, known: Known, decision: Decision) -> None:
    assert decide(assertion, known, sign_up=True) == decision


@pytest.mark.parametrize(("assertion", "known", "decision"), LOGIN.values(), ids=LOGIN)
def test_closed_sign_up_refuses_just_the_rows_that_make_a_user(
    assertion: Assertion, known: Known, decision: Decision
) -> None:
    closed = decide(assertion, known, sign_up=False)
    assert closed == (Decision(refusal=SignUpClosed) if decision.creates else decision)


BINDING = {
    "a free identity is linked, its address joins as proved": (
        Known(),
        Decision(user_id="ada", link=True, prove=True, tell=True),
    ),
    "the same user's identity again is success": (
        Known(identity=ADA, owner=ADA),
        Decision(user_id="ada"),
    ),
    "another's identity is taken": (
        Known(identity=EVE),
        Decision(refusal=IdentityTaken),
    ),
    "another's proved address is left alone": (
        Known(owner=OFF),
        Decision(user_id="ada", link=True, tell=True),
    ),
    "her own claim becomes proved": (
        Known(claimant=ADA),
        Decision(user_id="ada", link=True, prove=True, tell=True),
    ),
    "another's claim goes, and with nothing proved left to her also password and sessions": (
        Known(claimant=EVE),
        Decision(user_id="ada", link=True, prove=True, unclaim="eve", lock_out="eve", tell=True),
    ),
    "another's claim goes, and nothing else where she has something proved": (
        Known(claimant=OFF),
        Decision(user_id="ada", link=True, prove=True, unclaim="off", tell=True),
    ),
}


@pytest.mark.parametrize(("known", "decision"), BINDING.values(), ids=BINDING)
def test_binding(known: Known, decision: Decision) -> None:
    assert decide_binding(github(), known, "ada") == decision


def test_binding_an_identity_without_a_vouched_address_moves_no_address() -> None:
    assert decide_binding(github(address=None), Known(claimant=EVE), "ada") == Decision(
        user_id="ada", link=True, tell=True
    )


REGISTRATION = {
    "a free address is claimed, unproved": (Known(), Decision(claim=True)),
    "a proved address is taken": (Known(owner=ADA), Decision(refusal=EmailTaken)),
    "a claimed address is taken": (Known(claimant=EVE), Decision(refusal=EmailTaken)),
}


@pytest.mark.parametrize(("known", "decision"), REGISTRATION.values(), ids=REGISTRATION)
def test_registration(known: Known, decision: Decision) -> None:
    assert decide_registration(known, sign_up=True) == decision


def test_closed_sign_up_refuses_registration() -> None:
    assert decide_registration(Known(), sign_up=False) == Decision(refusal=SignUpClosed)


INVITATION = {
    "a free address is claimed for a new user": (Known(), False, Decision(claim=True)),
    "a claim of whom nobody ever was is invited again": (
        Known(claimant=EVE),
        True,
        Decision(user_id="eve"),
    ),
    "a claim of somebody who is there is taken": (
        Known(claimant=EVE),
        False,
        Decision(refusal=EmailTaken),
    ),
    "so is that of one who was shut out": (
        Known(claimant=MUTE),
        True,
        Decision(refusal=EmailTaken),
    ),
    "and a proved address, whoever has it": (
        Known(owner=ADA),
        True,
        Decision(refusal=EmailTaken),
    ),
}


@pytest.mark.parametrize(("known", "untouched", "decision"), INVITATION.values(), ids=INVITATION)
def test_an_invitation(known: Known, untouched: bool, decision: Decision) -> None:
    assert decide_invitation(known, untouched=untouched) == decision


FURTHER = {
    "a free address joins as proved": (Known(), Decision(user_id="ada", prove=True, tell=True)),
    "her own claim becomes proved": (
        Known(claimant=ADA),
        Decision(user_id="ada", prove=True, tell=True),
    ),
    "one that she proved already is success": (Known(owner=ADA), Decision(user_id="ada")),
    "another's proved one is taken": (Known(owner=OFF), Decision(refusal=EmailTaken)),
    "another's claim goes, and with nothing proved left to her also password and sessions": (
        Known(claimant=EVE),
        Decision(user_id="ada", prove=True, unclaim="eve", lock_out="eve", tell=True),
    ),
    "another's claim goes, and nothing else where she has something proved": (
        Known(claimant=OFF),
        Decision(user_id="ada", prove=True, unclaim="off", tell=True),
    ),
}


@pytest.mark.parametrize(("known", "decision"), FURTHER.values(), ids=FURTHER)
def test_a_code_for_a_further_address(known: Known, decision: Decision) -> None:
    assert decide_address(known, "ada") == decision


RESET = {
    "whoever proved the address": (Known(owner=ADA), Decision(user_id="ada")),
    "a disabled one is told so": (Known(owner=OFF), Decision(refusal=UserDisabled)),
    "nobody": (Known(), Decision(refusal=InvalidCode)),
    "a mere claimant": (Known(claimant=EVE), Decision(refusal=InvalidCode)),
    "an owner by what counts since this very instant": (
        Known(owner=ADA, counts_from=100),
        Decision(user_id="ada"),
    ),
    "an owner by what does not count yet": (
        Known(owner=ADA, counts_from=101),
        Decision(refusal=InvalidCode),
    ),
}


@pytest.mark.parametrize(("known", "decision"), RESET.values(), ids=RESET)
def test_a_reset_code_acts_for(known: Known, decision: Decision) -> None:
    assert decide_reset(known, at=100) == decision


def test_a_secret_that_is_right_lets_in_its_user_as_she_is_now_and_never_makes_one() -> None:
    assert decide_secret(Known(identity=ADA)) == Decision(user_id="ada")
    assert decide_secret(Known(identity=OFF)) == Decision(refusal=UserDisabled)
    assert decide_secret(Known()) == Decision(refusal=InvalidCredentials)


people = st.one_of(
    st.none(),
    st.builds(
        Candidate,
        user_id=st.sampled_from(["ada", "eve", "bob"]),
        disabled=st.booleans(),
        proved=st.booleans(),
    ),
)


@given(
    assertion=st.sampled_from([github(), github(None), code()]),
    known=st.builds(
        Known,
        identity=people,
        owner=people,
        claimant=people,
        live=st.sampled_from([None, "ada", "eve", "bob"]),
    ),
    sign_up=st.booleans(),
)
def test_an_unproved_claim_never_opens_an_account_that_keeps_its_password(
    assertion: Assertion, known: Known, sign_up: bool
) -> None:
    """Whoever enters by a mere claim either holds its live session, or the old keys are gone."""
    decision = decide(assertion, known, sign_up=sign_up)
    by_proof = {c.user_id for c in (known.identity, known.owner) if c}
    entered = decision.user_id
    if entered and entered not in by_proof:
        assert entered in {known.live, decision.lock_out}


@given(known=st.builds(Known, identity=people, owner=people, claimant=people))
def test_a_disabled_user_never_enters(known: Known) -> None:
    decision = decide(github(), known, sign_up=True)
    disabled = {
        c.user_id for c in (known.identity, known.owner, known.claimant) if c and c.disabled
    }
    active = {
        c.user_id for c in (known.identity, known.owner, known.claimant) if c and not c.disabled
    }
    assert decision.user_id not in disabled - active
