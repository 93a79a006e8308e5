"""The code kind: a short secret goes out over a channel and comes back typed."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from identra import address
from identra.errors import InvalidArgument, PluginFailed
from identra.providers.base import Kind, Provider
from identra.values import Address, UserInfo

if TYPE_CHECKING:
    from identra.values import Upstream

LONGEST_RECIPIENT = 128


class CodeProvider(Provider):
    """Somewhere a code can be sent. Fill in `recipient` and `send`.

    With `by_mail` the core itself spells the address and mails the code, and only then may
    `email_trust` be `always`: a right code proves an address that the core mailed. Any other
    channel is `never`, and the recipient in its one spelling becomes the identity's subject.
    """

    kind: ClassVar[Kind] = "code"
    by_mail: ClassVar[bool] = False

    @property
    def field(self) -> str:
        """The request field that holds the recipient."""
        return "email" if self.by_mail else "to"

    @property
    def keeps_identity(self) -> bool:
        """A mailed code proves the address alone."""
        return not self.by_mail

    def recipient(self, to: str) -> str:
        """The one spelling of a recipient; ValueError, in words fit for its sender, if none."""
        raise NotImplementedError

    async def send(self, upstream: Upstream, to: str, text: str) -> None:
        """Deliver `text` to `to`, reaching only the declared hosts through `upstream`."""
        raise NotImplementedError


def spell_recipient(provider: CodeProvider, to: str) -> str:
    """The recipient in its one spelling; InvalidArgument naming the field otherwise."""
    if provider.by_mail:
        return address.spell(to, field=provider.field)
    try:
        spelled: object = provider.recipient(to)
    except ValueError as fault:
        raise InvalidArgument.of(provider.field, str(fault) or "is not acceptable") from fault
    except (Exception, SystemExit) as fault:
        raise PluginFailed(provider.name, "recipient", type(fault).__name__) from fault
    if not isinstance(spelled, str) or not _can_be_subject(spelled):
        raise InvalidArgument.of(provider.field, "is not acceptable")
    return spelled


def _can_be_subject(spelled: str) -> bool:
    try:
        UserInfo(spelled)
    except ValueError:
        return False
    return len(spelled) <= LONGEST_RECIPIENT


def read_answer(provider: CodeProvider, recipient: str) -> UserInfo:
    """What a right code says of the person: her address, or her identity on another channel."""
    if provider.by_mail:
        return UserInfo(recipient, addresses=(Address(recipient, verified=True, primary=True),))
    return UserInfo(recipient)
