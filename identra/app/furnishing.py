"""The rooms that several use cases share, each handed what it asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from identra.account import Account
from identra.acquaintance import Acquaintance
from identra.admission import Admission
from identra.app import opening
from identra.app.limiting import open_limits
from identra.app.policies import oauth_policy, session_policy, token_policy
from identra.challenges import Challenges
from identra.couriers import Couriers
from identra.mail import open_letters
from identra.notices import Notices
from identra.redemption import Redemption
from identra.roundtrip import Roundtrip
from identra.sessions import Sessions
from identra.tokens import Tokens
from identra.trial import Trial
from identra.users import Users

if TYPE_CHECKING:
    from identra.app.building import Edges
    from identra.limits import Limits
    from identra.mail import Letters
    from identra.settings import SettingsTree


@dataclass(frozen=True, slots=True)
class Rooms:
    """What stands behind the use cases."""

    sessions: Sessions
    users: Users
    tokens: Tokens
    account: Account
    limits: Limits
    challenges: Challenges
    couriers: Couriers
    notices: Notices
    trial: Trial
    redemption: Redemption
    admission: Admission
    roundtrip: Roundtrip


def furnish(tree: SettingsTree, edges: Edges) -> Rooms:
    """Make the rooms over these edges."""
    clock, db, plugged = edges.clock, edges.db, edges.plugged
    tokens = Tokens(edges.keys, token_policy(tree), clock)
    sessions = _sessions(tree, edges, tokens)
    users = Users(db, plugged.events, clock)
    limits = open_limits(tree, edges, users)
    challenges = _challenges(tree, edges)
    couriers, notices = _senders(tree, edges, users)
    return Rooms(
        sessions=sessions,
        users=users,
        tokens=tokens,
        account=Account(tokens, sessions, users, edges.providers),
        limits=limits,
        challenges=challenges,
        couriers=couriers,
        notices=notices,
        trial=Trial(edges.hashing, limits),
        redemption=_redemption(edges, challenges, limits),
        admission=_admission(
            edges,
            users=users,
            sessions=sessions,
            challenges=challenges,
            notices=notices,
            limits=limits,
        ),
        roundtrip=_roundtrip(tree, edges, challenges, limits),
    )


def _admission(  # noqa: PLR0913 - the rooms it walks through
    edges: Edges,
    *,
    users: Users,
    sessions: Sessions,
    challenges: Challenges,
    notices: Notices,
    limits: Limits,
) -> Admission:
    return Admission(
        db=edges.db,
        users=users,
        sessions=sessions,
        challenges=challenges,
        events=edges.plugged.events,
        notices=notices,
        meter=edges.meter,
        hooks=edges.plugged.hooks,
        limits=limits,
        secrets=tuple(provider.name for provider in edges.providers.secrets),
    )


def _challenges(tree: SettingsTree, edges: Edges) -> Challenges:
    digits = tree.codes.digits
    return Challenges(edges.state, edges.db, edges.keys, edges.clock, digits=digits)


def _redemption(edges: Edges, challenges: Challenges, limits: Limits) -> Redemption:
    return Redemption(
        challenges=challenges,
        acceptance=edges.plugged.acceptance,
        hashing=edges.hashing,
        limits=limits,
        clock=edges.clock,
        meter=edges.meter,
    )


def _roundtrip(
    tree: SettingsTree, edges: Edges, challenges: Challenges, limits: Limits
) -> Roundtrip:
    places = opening.places(edges.providers, edges.upstreams, edges.clock)
    policy = oauth_policy(tree)
    return Roundtrip(edges.providers, places, challenges, limits, policy, meter=edges.meter)


def _sessions(tree: SettingsTree, edges: Edges, tokens: Tokens) -> Sessions:
    hooks, events = edges.plugged.hooks, edges.plugged.events
    claims = hooks.claims if hooks.has("claims") else None
    return Sessions(edges.db, edges.keys, tokens, events, session_policy(tree), claims=claims)


def _senders(tree: SettingsTree, edges: Edges, users: Users) -> tuple[Couriers, Notices]:
    """Those who write letters: to whoever asks, and to owners of accounts."""
    letters, plugged = open_letters(tree.mail, edges.clock), edges.plugged
    strangers = Acquaintance(users, plugged.events, edges.clock)
    known = strangers if tree.mail.tell_new_network else None
    notices = Notices(plugged.messenger, users, letters, known)
    return _couriers(tree, edges, users, letters), notices


def _couriers(tree: SettingsTree, edges: Edges, users: Users, letters: Letters) -> Couriers:
    return Couriers(
        edges.mailer,
        edges.upstreams,
        edges.plugged.hooks,
        edges.plugged.mishaps,
        users=users,
        letters=letters,
        application=tree.mail.application_name,
        public_url=tree.public_url,
    )
