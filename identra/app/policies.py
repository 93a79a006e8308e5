"""What the settings say of tokens, sessions and sign-ins, in the words of the rooms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from identra.roundtrip import OAuthPolicy
from identra.sessions import Policy
from identra.tokens import TokenPolicy
from identra.values import SECOND

if TYPE_CHECKING:
    from identra.settings import SettingsTree


def token_policy(tree: SettingsTree) -> TokenPolicy:
    """Who issues, for whom, and for how long."""
    auth = tree.auth
    return TokenPolicy(auth.token_issuer, auth.access_token_expiration, auth.token_audience)


def session_policy(tree: SettingsTree) -> Policy:
    """How long sessions live."""
    auth = tree.auth
    return Policy(
        idle=auth.refresh_token_expiration * SECOND,
        absolute=auth.session_max_age * SECOND,
        grace=auth.refresh_grace * SECOND,
    )


def oauth_policy(tree: SettingsTree) -> OAuthPolicy:
    """How long a sign-in may take, and who must bind it."""
    return OAuthPolicy(tree.auth.oauth_state_expiration, tree.auth.require_client_binding)
