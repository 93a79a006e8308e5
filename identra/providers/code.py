"""The code kind: a short secret goes out over a channel and comes back typed."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from identra import address
from identra.errors import InvalidArgument, PluginFailed
from identra.providers.base import Kind, Provider
from identra.providers.redirecting import demand_url
from identra.values import Address, UserInfo

if TYPE_CHECKING:
    from identra.values import Upstream

LONGEST_RECIPIENT = 128


class CodeProvider(Provider):
    """Somewhere a code can be sent. Fill in `recipient` and `send`.

    With `by_mail` the core itself spells the address and mails the code, and only then may
    `email_trust` be `always`: a right code proves an address that the core mailed. Any other
    channel is `never`, and the recipient in its one spelling becomes the identity's subject.

    With `with_link` the mail carries a link beside the code, which leads to `page`, or to a page
    of the core's own where that is empty. It brings the code and nothing else, and opens nothing.
    """

    kind: ClassVar[Kind] = "code"
    by_mail: ClassVar[bool] = False
    with_link: ClassVar[bool] = False
    page: str = ""

    @property
    def field(self) -> str:
        """The request field that holds the recipient."""
        return "email" if self.by_mail else "to"

    @property
    def keeps_identity(self) -> bool:
        """A mailed code proves the address alone."""
        return not self.by_mail

    def demand_sound(self) -> None:
        """ValueError unless its page is an https URL, or http here, without a fragment."""
        if "#" in self.page or any(map(str.isspace, self.page)):
            raise ValueError("a page is a URL without a fragment: that is where the code goes")
        if self.page:
            demand_url(self.page)

    def recipient(self, to: str) -> str:
        """The one spelling of a recipient; ValueError, in words fit for its sender, if none."""
        raise NotImplementedError

    async def send(self, upstream: Upstream, to: str, text: str) -> None:
        """Deliver `text` to `to`, reaching only the declared hosts through `upstream`."""
        raise NotImplementedError


def link_of(provider: CodeProvider, code: str, *, public_url: str) -> str | None:
    """The link that brings a code to its page, or None where the mail carries none.

    The code is in the fragment, which no browser sends: neither servers nor their logs see it.
    """
    if not provider.with_link:
        return None
    return f"{provider.page or f'{public_url}/{provider.name}/link'}#code={code}"


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


def counted(provider: CodeProvider, recipient: str) -> str:
    """What the codes for a recipient are counted under: an address has one mailbox.

    So no further provider that mails brings further guesses at it, or further mails to it.
    """
    return f"{'email' if provider.by_mail else provider.name}:{recipient}"


def read_answer(provider: CodeProvider, recipient: str) -> UserInfo:
    """What a right code says of the person: her address, or her identity on another channel."""
    if provider.by_mail:
        return UserInfo(recipient, addresses=(Address(recipient, verified=True, primary=True),))
    return UserInfo(recipient)
