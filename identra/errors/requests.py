"""What a request itself did wrong."""

from __future__ import annotations

from identra.errors.family import FieldFault, IdentraError


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


class NotFound(IdentraError, reason="NOT_FOUND", code=5, status=404, says="There is nothing here."):
    """No such route, or no such thing of the caller's."""


class MethodNotAllowed(
    IdentraError,
    reason="METHOD_NOT_ALLOWED",
    code=12,
    status=405,
    says="This route does not answer to that method.",
):
    """A known route, another method."""


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
    says="This route does not read bodies of that type.",
):
    """A body that does not say it is JSON, or a form where the route reads forms."""


class HeadersTooLarge(
    IdentraError,
    reason="HEADERS_TOO_LARGE",
    code=3,
    status=431,
    says="The request's head is larger than 16 KiB.",
):
    """A request head over its bound."""
