"""Every failure a caller can see: one class each, with a stable reason and one public sentence.

The detail given when one is raised is private: it goes to logs and metrics, never to the caller.
"""

from __future__ import annotations

from identra.errors.failures import (
    Busy,
    Internal,
    PluginFailed,
    ProviderUnavailable,
    StoreUnavailable,
)
from identra.errors.family import FieldFault, IdentraError, OperatorError
from identra.errors.proofs import (
    InvalidAdminKey,
    InvalidClient,
    InvalidCode,
    InvalidCredentials,
    InvalidRefreshToken,
    InvalidToken,
    MissingAdminKey,
    MissingToken,
    ProviderRefused,
    ReauthenticationRequired,
)
from identra.errors.refusals import (
    Denied,
    EmailTaken,
    IdentityTaken,
    InsufficientScope,
    LastLoginMethod,
    MailNotConfigured,
    PasswordChangeRequired,
    ProviderNotConfigured,
    RateLimited,
    SignUpClosed,
    UserDisabled,
)
from identra.errors.requests import (
    BodyTooLarge,
    HeadersTooLarge,
    InvalidArgument,
    InvalidState,
    LengthRequired,
    MethodNotAllowed,
    NotFound,
    RedirectNotAllowed,
    RequestTimeout,
    UnknownProvider,
    UnsupportedMediaType,
    UriTooLong,
)

__all__ = [
    "BodyTooLarge",
    "Busy",
    "Denied",
    "EmailTaken",
    "FieldFault",
    "HeadersTooLarge",
    "IdentityTaken",
    "IdentraError",
    "InsufficientScope",
    "Internal",
    "InvalidAdminKey",
    "InvalidArgument",
    "InvalidClient",
    "InvalidCode",
    "InvalidCredentials",
    "InvalidRefreshToken",
    "InvalidState",
    "InvalidToken",
    "LastLoginMethod",
    "LengthRequired",
    "MailNotConfigured",
    "MethodNotAllowed",
    "MissingAdminKey",
    "MissingToken",
    "NotFound",
    "OperatorError",
    "PasswordChangeRequired",
    "PluginFailed",
    "ProviderNotConfigured",
    "ProviderRefused",
    "ProviderUnavailable",
    "RateLimited",
    "ReauthenticationRequired",
    "RedirectNotAllowed",
    "RequestTimeout",
    "SignUpClosed",
    "StoreUnavailable",
    "UnknownProvider",
    "UnsupportedMediaType",
    "UriTooLong",
    "UserDisabled",
    "every_error",
]


def every_error() -> tuple[type[IdentraError], ...]:
    """All named failures, in the order of their reasons."""
    return tuple(sorted(IdentraError.__subclasses__(), key=lambda error: error.reason))
