"""What counts the service's doings, as the rooms know it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping


class Meter(Protocol):
    """Counts what happens, for whoever watches the service. It never fails and never waits.

    What it is given are words of a fixed set, never a person's: nobody's address, id or secret.
    """

    @property
    def on(self) -> bool:
        """Whether anybody can read what is counted."""
        ...

    def answered(  # noqa: PLR0913 - what a line of the log says
        self,
        route: str,
        method: str,
        status: str,
        *,
        reason: str,
        detail: str,
        seconds: float,
    ) -> None:
        """A door has answered a request; `reason` and `detail` are of a failure, else empty."""
        ...

    def token_refused(self, detail: str) -> None:
        """An access token was refused, and `answered` will not be told so."""
        ...

    def recorded(self, event: str, facts: Mapping[str, str]) -> None:
        """An event became true."""
        ...

    def login(self, provider: str, method: str, outcome: str) -> None:
        """Somebody got in by a provider, or did not: `outcome` is "succeeded" or a reason."""
        ...

    def mail(self, outcome: str, letters: int = 1) -> None:
        """Letters were queued, delivered, delayed, refused, lost, or have failed."""
        ...

    def provider_called(self, provider: str, outcome: str, seconds: float) -> None:
        """A provider was asked; `outcome` is "answered" or a reason."""
        ...

    def plugin_failed(self, plugin: str, call: str) -> None:
        """A plugin's code raised, was late or gave rubbish, in a call by this name."""
        ...

    def webhook(self, target: str, outcome: str) -> None:
        """A target was told of an event; `outcome` is delivered, failed, dead or gone."""
        ...

    def show(self, gauges: Mapping[tuple[str, ...], float]) -> None:
        """Replace all that gauges show: each number by its metric's name and labels' values."""
        ...


class Unmetered:
    """Keeps the `Meter` contract where nobody watches."""

    on = False

    def answered(self, *_: object, **__: object) -> None:
        """Forget it."""

    def token_refused(self, *_: object, **__: object) -> None:
        """Forget it."""

    def recorded(self, *_: object, **__: object) -> None:
        """Forget it."""

    def login(self, *_: object, **__: object) -> None:
        """Forget it."""

    def mail(self, *_: object, **__: object) -> None:
        """Forget it."""

    def provider_called(self, *_: object, **__: object) -> None:
        """Forget it."""

    def plugin_failed(self, *_: object, **__: object) -> None:
        """Forget it."""

    def webhook(self, *_: object, **__: object) -> None:
        """Forget it."""

    def show(self, *_: object, **__: object) -> None:
        """Forget it."""


UNMETERED: Final[Meter] = Unmetered()
