"""Every failure a caller can see: one class each, with a stable reason and one public sentence.

The detail given when one is raised is private: it goes to logs and metrics, never to the caller.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class FieldFault:
    """One field of a request that can't be accepted, and why, in words fit for its sender."""

    field: str
    says: str


class IdentraError(Exception):
    """A named failure: `reason` is for programs, `says` for people, `detail` for logs alone.

    `code` is the gRPC status number, `status` the HTTP one. `retry_after` is in seconds and
    present where waiting helps. `challenge` is the RFC 6750 error word on bearer routes.
    """

    reason: ClassVar[str]
    code: ClassVar[int]
    status: ClassVar[int]
    says: ClassVar[str]
    challenge: ClassVar[str | None] = None

    def __init_subclass__(
        cls, *, reason: str, code: int, status: int, says: str, challenge: str | None = None
    ) -> None:
        super().__init_subclass__()
        cls.reason, cls.code, cls.status, cls.says = reason, code, status, says
        cls.challenge = challenge

    def __init__(
        self,
        detail: str = "",
        *,
        faults: tuple[FieldFault, ...] = (),
        retry_after: int | None = None,
    ) -> None:
        super().__init__(detail or self.reason)
        self.detail = detail
        self.faults = faults
        self.retry_after = retry_after


class OperatorError(Exception):
    """Something an operator must mend: one line with the cause and, where known, the remedy."""


class InvalidArgument(
    IdentraError, reason="INVALID_ARGUMENT", code=3, status=400, says="The request is not valid."
):
    """A field is missing, of the wrong type, or not acceptable; `faults` names it."""

    @classmethod
    def of(cls, field: str, says: str) -> InvalidArgument:
        """Name the one field that is at fault."""
        return cls(f"{field}: {says}", faults=(FieldFault(field, says),))


class InvalidState(
    IdentraError,
    reason="INVALID_STATE",
    code=3,
    status=400,
    says="This sign-in was not started here, was started for something else, or is over.",
):
    """An OAuth state that is unknown, spent, expired, another's, or lacks its code_verifier."""


class UnknownProvider(
    IdentraError,
    reason="UNKNOWN_PROVIDER",
    code=3,
    status=400,
    says="There is no such provider.",
):
    """A provider name that no enabled plugin answers to."""


class RedirectNotAllowed(
    IdentraError,
    reason="REDIRECT_NOT_ALLOWED",
    code=3,
    status=400,
    says="This redirect_url is not on the provider's list.",
):
    """A redirect URL that does not match the allow-list by exact string (RFC 9700, 4.1.3)."""


class InvalidCredentials(
    IdentraError,
    reason="INVALID_CREDENTIALS",
    code=16,
    status=401,
    says="The e-mail address or the password is not right.",
):
    """One answer for an unknown user, a wrong password and no password."""


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


class SignUpClosed(
    IdentraError,
    reason="SIGN_UP_CLOSED",
    code=7,
    status=403,
    says="New accounts are not being made.",
):
    """The decision would make a user while `[auth] sign_up` is closed."""


class UserDisabled(
    IdentraError,
    reason="USER_DISABLED",
    code=7,
    status=403,
    says="This account is disabled.",
):
    """Said only after a right proof."""


class Denied(
    IdentraError, reason="DENIED", code=7, status=403, says="This sign-in was not admitted."
):
    """A plugin's refusal."""


class InsufficientScope(
    IdentraError,
    reason="INSUFFICIENT_SCOPE",
    code=7,
    status=403,
    says="This caller may not do that.",
    challenge="insufficient_scope",
):
    """A service account without the scope for the call."""


class NotFound(IdentraError, reason="NOT_FOUND", code=5, status=404, says="There is nothing here."):
    """No such route or thing."""


class MethodNotAllowed(
    IdentraError,
    reason="METHOD_NOT_ALLOWED",
    code=12,
    status=405,
    says="This route does not answer to that method.",
):
    """A known route, another method."""


class EmailTaken(
    IdentraError,
    reason="EMAIL_TAKEN",
    code=6,
    status=409,
    says="This e-mail address is in use.",
):
    """The address is claimed or proved by somebody."""


class IdentityTaken(
    IdentraError,
    reason="IDENTITY_TAKEN",
    code=6,
    status=409,
    says="This identity belongs to another account.",
):
    """The identity is another user's."""


class RequestTimeout(
    IdentraError,
    reason="REQUEST_TIMEOUT",
    code=4,
    status=408,
    says="The request took too long to arrive.",
):
    """The whole request was not here within its time."""


class LengthRequired(
    IdentraError,
    reason="LENGTH_REQUIRED",
    code=3,
    status=411,
    says="Send the body with a Content-Length.",
):
    """A body without Content-Length, or with any Transfer-Encoding."""


class BodyTooLarge(
    IdentraError,
    reason="BODY_TOO_LARGE",
    code=3,
    status=413,
    says="The body is larger than 64 KiB.",
):
    """More than a request of ours can hold."""


class UriTooLong(
    IdentraError,
    reason="URI_TOO_LONG",
    code=3,
    status=414,
    says="The URL is longer than 4 KiB.",
):
    """A request target over its bound."""


class UnsupportedMediaType(
    IdentraError,
    reason="UNSUPPORTED_MEDIA_TYPE",
    code=3,
    status=415,
    says="Send application/json.",
):
    """A body that does not say it is JSON."""


class HeadersTooLarge(
    IdentraError,
    reason="HEADERS_TOO_LARGE",
    code=3,
    status=431,
    says="The request's head is larger than 16 KiB.",
):
    """A request head over its bound."""


class RateLimited(
    IdentraError,
    reason="RATE_LIMITED",
    code=8,
    status=429,
    says="Too many attempts; wait a little.",
):
    """An allowance is spent; `retry_after` says for how long."""


class MailNotConfigured(
    IdentraError,
    reason="MAIL_NOT_CONFIGURED",
    code=9,
    status=400,
    says="This service has no mail server configured.",
):
    """A mail route without `[smtp_mailer]`, outside development."""


class ProviderNotConfigured(
    IdentraError,
    reason="PROVIDER_NOT_CONFIGURED",
    code=9,
    status=400,
    says="This provider is not configured.",
):
    """A known provider that lacks its values or holds published samples."""


class LastLoginMethod(
    IdentraError,
    reason="LAST_LOGIN_METHOD",
    code=9,
    status=400,
    says="This is the last way into the account.",
):
    """Removing it would lock its owner out."""


class PasswordChangeRequired(
    IdentraError,
    reason="PASSWORD_CHANGE_REQUIRED",
    code=9,
    status=400,
    says="The password must be changed first.",
):
    """An operator asked for a new password."""


class Internal(
    IdentraError,
    reason="INTERNAL",
    code=13,
    status=500,
    says="Something failed here; the request id will help find it.",
):
    """A fault of ours; the cause is in the log under the request id."""


class Busy(
    IdentraError,
    reason="BUSY",
    code=14,
    status=503,
    says="Too much work at once; try again shortly.",
):
    """The hash queue is full."""


class StoreUnavailable(
    IdentraError,
    reason="STORE_UNAVAILABLE",
    code=14,
    status=503,
    says="The store is not available; try again shortly.",
):
    """Any failure of the database or the short-lived state: never a success, 401 or 404."""


class ProviderUnavailable(
    IdentraError,
    reason="PROVIDER_UNAVAILABLE",
    code=14,
    status=503,
    says="The provider is not answering; try again shortly.",
):
    """The provider did not answer in time, or not in a form that can be read."""


def every_error() -> tuple[type[IdentraError], ...]:
    """All named failures, in the order of their reasons."""
    return tuple(sorted(IdentraError.__subclasses__(), key=lambda error: error.reason))
