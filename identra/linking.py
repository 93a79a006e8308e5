"""May this assertion open that user? Pure: what is known goes in, a decision comes out.

*Proved* is an address somebody verified here, or an identity at a provider. *Claimed* is an
address that was only typed. Nothing here reads or writes; the caller re-reads and re-decides
inside the transaction that applies the decision.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from identra.errors import (
    EmailTaken,
    IdentityTaken,
    InvalidCode,
    InvalidCredentials,
    SignUpClosed,
    UserDisabled,
)

if TYPE_CHECKING:
    from identra.errors import IdentraError
    from identra.values import Assertion


@dataclass(frozen=True, slots=True)
class Candidate:
    """A user who might be meant. `proved`: an address or identity of hers is proved."""

    user_id: str
    disabled: bool
    proved: bool


@dataclass(frozen=True, slots=True)
class Known:
    """Who is known by the assertion's identity, who proved its address, who merely claims it.

    `live` is the user of the live session that came with the request, if one did. `counts_from`
    is since when the identity, else the owner's address, proves that it is she; None: ever since.
    `at` is when that was so by the database's clock, where it was told.
    """

    identity: Candidate | None = None
    owner: Candidate | None = None
    claimant: Candidate | None = None
    live: str | None = None
    counts_from: int | None = None
    at: int | None = None

    def counts(self, at: int) -> bool:
        """Whether what is known proves at that instant that it is she."""
        return (self.counts_from or 0) <= at


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be done, all of it or nothing.

    `user_id` None means a new user. `link` writes the identity for that user, `prove` makes the
    address hers and proved, `claim` makes it hers unproved. `unclaim` names the user who loses
    an unproved claim on the address, `lock_out` the user whose password and sessions end.
    `tell` says that the address's owner is to be told by mail. A `refusal` changes nothing.
    """

    user_id: str | None = None
    link: bool = False
    prove: bool = False
    claim: bool = False
    unclaim: str | None = None
    lock_out: str | None = None
    tell: bool = False
    refusal: type[IdentraError] | None = None

    @property
    def creates(self) -> bool:
        """Whether a new user comes of it."""
        return self.refusal is None and self.user_id is None

    @property
    def does(self) -> str:
        """All of it in words, the chief thing first; of a refusal its reason."""
        if self.refusal:
            return self.refusal.reason
        done = {"links": self.link, "proves": self.prove, "claims": self.claim}
        chief = "creates" if self.creates else "enters"
        return " ".join([chief, *(name for name, so in done.items() if so)])


def decide(assertion: Assertion, known: Known, *, sign_up: bool) -> Decision:
    """Judge a login: who enters, and what becomes of address, identity and earlier claims."""
    if known.identity:
        return _enter(known.identity)
    linking = Decision(link=assertion.subject is not None, prove=assertion.address is not None)
    if assertion.address is None:
        return _create(linking, sign_up=sign_up)
    if known.owner:
        return _join(known.owner, linking)
    if known.claimant and not known.claimant.disabled:
        return _settle_claim(known.claimant, known.live, linking, sign_up=sign_up)
    loser = known.claimant.user_id if known.claimant else None
    return _create(replace(linking, unclaim=loser), sign_up=sign_up)


def decide_binding(assertion: Assertion, known: Known, user_id: str) -> Decision:
    """Judge a binding to the signed-in user: link if free, hers is success, another's is taken."""
    if known.identity:
        if known.identity.user_id != user_id:
            return Decision(refusal=IdentityTaken)
        return Decision(user_id=user_id)
    bound = Decision(user_id=user_id, link=assertion.subject is not None, tell=True)
    if assertion.address is None or known.owner:
        return bound
    return replace(_take_claim(known.claimant, user_id, bound), prove=True)


def decide_registration(known: Known, *, sign_up: bool) -> Decision:
    """Judge an immediate registration: the address must be neither claimed nor proved."""
    if known.owner or known.claimant:
        return Decision(refusal=EmailTaken)
    return _create(Decision(claim=True), sign_up=sign_up)


def decide_address(known: Known, user_id: str) -> Decision:
    """Judge a right code for a further address: as a binding, but another's proved one is taken."""
    if known.owner:
        other = known.owner.user_id != user_id
        return Decision(refusal=EmailTaken) if other else Decision(user_id=user_id)
    taken = _take_claim(known.claimant, user_id, Decision(user_id=user_id, tell=True))
    return replace(taken, prove=True)


def decide_invitation(known: Known, *, untouched: bool) -> Decision:
    """Judge an operator's invitation: of a free address, or again of one whom nobody ever was.

    `untouched`: nobody was ever in the claimant's account, nor left anything by which to get in.
    Else whoever claimed the address early would be in the account that its owner is invited to.
    """
    claimant = known.claimant
    if known.owner or (claimant and (claimant.disabled or not untouched)):
        return Decision(refusal=EmailTaken)
    return Decision(user_id=claimant.user_id) if claimant else Decision(claim=True)


def decide_secret(known: Known) -> Decision:
    """Judge a login by a secret that was found right: its user as she is now, and no other."""
    return _enter(known.identity) if known.identity else Decision(refusal=InvalidCredentials)


def decide_reset(known: Known, *, at: int) -> Decision:
    """Judge a right reset code: it acts for whoever proved the address, never on a claim.

    Nor by an address that joined under an old authentication, until it counts.
    """
    if known.owner is None or not known.counts(at):
        return Decision(refusal=InvalidCode)
    return _enter(known.owner)


def _enter(user: Candidate) -> Decision:
    if user.disabled:
        return Decision(refusal=UserDisabled)
    return Decision(user_id=user.user_id)


def _join(owner: Candidate, linking: Decision) -> Decision:
    if owner.disabled:
        return Decision(refusal=UserDisabled)
    return Decision(user_id=owner.user_id, link=linking.link, tell=linking.link)


def _settle_claim(
    claimant: Candidate, live: str | None, linking: Decision, *, sign_up: bool
) -> Decision:
    if live == claimant.user_id:
        return replace(linking, user_id=claimant.user_id, tell=linking.link)
    if claimant.proved:
        return _create(replace(linking, unclaim=claimant.user_id), sign_up=sign_up)
    return replace(linking, user_id=claimant.user_id, lock_out=claimant.user_id, tell=True)


def _take_claim(claimant: Candidate | None, user_id: str, bound: Decision) -> Decision:
    if claimant is None or claimant.user_id == user_id:
        return bound
    loser = None if claimant.proved else claimant.user_id
    return replace(bound, unclaim=claimant.user_id, lock_out=loser)


def _create(decision: Decision, *, sign_up: bool) -> Decision:
    return decision if sign_up else Decision(refusal=SignUpClosed)
