"""What the service tells of itself, its failures first."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from identra.http.models.view import View


class FieldError(View):
    """A field at fault, and why."""

    field: str
    message: str


class Failure(View):
    """The one shape of every failure."""

    code: int = Field(description="The gRPC status number.")
    reason: str = Field(description="A stable word that programs may switch on.")
    message: str = Field(description="For people; may change.")
    details: list[FieldError]
    request_id: str


class Health(View):
    """The process answers."""

    status: Literal["ok"]


class Readiness(View):
    """Whether requests may be sent here; `degraded` names what is not in order."""

    status: Literal["ready", "unready"]
    degraded: list[str] | None = None


class OutboxMessage(View):
    """A mail that development kept."""

    to: str
    subject: str
    text: str
    html: str | None = None


class OutboxView(View):
    """The mails that development kept, the oldest first."""

    messages: list[OutboxMessage]
