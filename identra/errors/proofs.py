"""Proofs that do not hold: one answer for every cause."""

from __future__ import annotations

from identra.errors.family import IdentraError


class InvalidCredentials(
    IdentraError,
    reason="INVALID_CREDENTIALS",
    code=16,
    status=401,
    says="The e-mail address or the password is not right.",
):
    """One answer for an unknown user, a wrong password and no password."""


class InvalidClient(
    InvalidCredentials,
    reason=InvalidCredentials.reason,
    code=InvalidCredentials.code,
    status=InvalidCredentials.status,
    says="The client's id or its secret is not right.",
):
    """The same of a service that must name itself with HTTP Basic (RFC 6749, 2.3.1)."""


class InvalidCode(
    IdentraError,
    reason="INVALID_CODE",
    code=16,
    status=401,
    says="The code is not right, or no longer valid.",
):
    """One answer for a wrong, spent, expired, foreign or never sent code."""


class InvalidRefreshToken(
    IdentraError,
    reason="INVALID_REFRESH_TOKEN",
    code=16,
    status=401,
    says="The refresh token is not valid; sign in again.",
    challenge="invalid_token",
):
    """A refresh token that is malformed, forged, revoked, expired or replayed."""


class InvalidToken(
    IdentraError,
    reason="INVALID_TOKEN",
    code=16,
    status=401,
    says="The access token is not valid.",
    challenge="invalid_token",
):
    """An access token that fails any check; which one is in logs and metrics only."""


class MissingToken(
    IdentraError,
    reason="MISSING_TOKEN",
    code=16,
    status=401,
    says="This call needs an access token.",
    challenge="",
):
    """A bearer route called without a token."""


class InvalidAdminKey(
    InvalidToken,
    reason=InvalidToken.reason,
    code=InvalidToken.code,
    status=InvalidToken.status,
    says="The admin key is not valid.",
    challenge="invalid_token",
):
    """The same of an admin key: unknown, forged, expired or revoked."""


class MissingAdminKey(
    MissingToken,
    reason=MissingToken.reason,
    code=MissingToken.code,
    status=MissingToken.status,
    says="This call needs an admin key.",
    challenge="",
):
    """A route of operators called without a key."""


class ProviderRefused(
    IdentraError,
    reason="PROVIDER_REFUSED",
    code=16,
    status=401,
    says="The provider did not confirm this sign-in.",
):
    """The provider answered, and its answer was no (a spent code, say)."""


class ReauthenticationRequired(
    IdentraError,
    reason="REAUTHENTICATION_REQUIRED",
    code=16,
    status=401,
    says="Sign in again to do this.",
    challenge="insufficient_user_authentication",
):
    """The session's authentication is too old for this act (RFC 9470)."""

    max_age = 600
