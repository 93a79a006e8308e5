"""What is wrong with the service or its neighbours, not with the caller."""

from __future__ import annotations

from identra.errors.family import IdentraError


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


class PluginFailed(
    ProviderUnavailable,
    reason=ProviderUnavailable.reason,
    code=ProviderUnavailable.code,
    status=ProviderUnavailable.status,
    says=ProviderUnavailable.says,
):
    """The same through a plugin's own fault: it raised, did not come back in time, or gave rubbish.

    `cause` tells which in words of ours; a plugin's own may hold what it was told.
    """

    def __init__(self, plugin: str, call: str, cause: str) -> None:
        super().__init__(f"{plugin}: {call}: {cause}", retry_after=5)
        self.plugin = plugin
        self.call = call
        self.cause = cause
