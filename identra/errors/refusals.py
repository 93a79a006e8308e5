"""What was understood and is refused."""

from __future__ import annotations

from identra.errors.family import IdentraError


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
    """A plugin's refusal, in the plugin's own sentence where it has one for the person."""

    def __init__(self, detail: str = "", *, says: str = "") -> None:
        super().__init__(detail)
        self.says = says or type(self).says


class InsufficientScope(
    IdentraError,
    reason="INSUFFICIENT_SCOPE",
    code=7,
    status=403,
    says="This key was not made for that.",
    challenge="insufficient_scope",
):
    """An admin key without the `scope` for the call, which is told."""

    def __init__(self, detail: str = "", *, scope: str = "") -> None:
        super().__init__(detail)
        self.says = f"This key lacks the scope {scope}." if scope else type(self).says


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


class RateLimited(
    IdentraError,
    reason="RATE_LIMITED",
    code=8,
    status=429,
    says="Too many attempts; wait a little.",
):
    """An allowance is spent; `retry_after` says for how long, `says` what else helps."""

    def __init__(self, detail: str = "", *, retry_after: int | None = None, says: str = "") -> None:
        super().__init__(detail, retry_after=retry_after)
        self.says = says or type(self).says


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
