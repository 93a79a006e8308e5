"""The letters Identra writes. Nothing in them is chosen by a user but the code.

A letter is written by its name, to an address, in a language, with the facts it tells.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import product
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, get_args

from identra.errors import OperatorError
from identra.locales import LOCALES
from identra.mail import wording
from identra.mail.stationery import opened
from identra.values import DAY, Message

if TYPE_CHECKING:
    from identra.locales import Locale
    from identra.mail.stationery import Stationery, Suffix
    from identra.settings.sections import Mail as MailSettings
    from identra.values import Clock

Name: TypeAlias = Literal[
    "code",
    "already_registered",
    "password_reset_code",
    "address_code",
    "new_network",
    "identity_linked",
    "identity_unlinked",
    "password_set",
    "password_required",
    "address_added",
    "address_changed",
    "address_removed",
    "address_lost",
    "claim_dropped",
    "account_disabled",
    "deletion_asked",
    "account_deleted",
    "invitation",
]
NAMES: Final[tuple[Name, ...]] = get_args(Name)

LEAVES: Final[dict[Name, str]] = {
    "code": "Somebody asks for a code to sign in or to register.",
    "already_registered": "Somebody tries to register an address whose owner has a password.",
    "password_reset_code": "Somebody asks to set a new password.",
    "address_code": "Somebody asks to add the address to an account.",
    "new_network": "Somebody signed in from a network that is new, if mail.tell_new_network.",
    "identity_linked": "An identity at a provider can now open the account.",
    "identity_unlinked": "An identity at a provider no longer opens it.",
    "password_set": "The password was set or changed.",
    "password_required": "An operator asks for a new password.",
    "address_added": "A further address opens the account.",
    "address_changed": "Another address is the primary one; told to the former.",
    "address_removed": "An address no longer opens it.",
    "address_lost": "An address that was never proved left the account: its owner proved it.",
    "claim_dropped": "The owner of an address proved it; what was set up before opens nothing.",
    "account_disabled": "An operator disabled the account.",
    "deletion_asked": "The account is to be deleted.",
    "account_deleted": "An operator deleted the account at once.",
    "invitation": "An operator invites the address's owner.",
}
"""When each leaves, for operators."""

_TOLD: Final[dict[Name, tuple[str, ...]]] = {
    "code": ("code",),
    "password_reset_code": ("code",),
    "address_code": ("code",),
    "identity_linked": ("provider",),
    "identity_unlinked": ("provider",),
    "deletion_asked": ("until",),
}
"""Facts that a letter can't do without."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a letter tells beside the application's name and the time.

    `network` is the coarse origin of the call that caused it (`caller.coarse_of`), where one did.
    `link` leads to where the code can be answered, which is valid for `minutes`. `until` is an
    instant.
    """

    code: str | None = field(default=None, repr=False)
    link: str | None = field(default=None, repr=False)
    minutes: int = 10
    provider: str | None = None
    until: int | None = None
    network: str | None = None

    def of(self, network: str | None) -> Facts:
        """The same, with where the call came from."""
        return replace(self, network=network)


class Letters:
    """Writes letters on the operator's stationery; `default` is the language of last resort."""

    def __init__(
        self, stationery: Stationery, clock: Clock, *, application: str, default: Locale
    ) -> None:
        self._stationery = stationery
        self._clock = clock
        self._application = application
        self.default = default

    def write(
        self, name: Name, to: str, locale: Locale, facts: Facts = Facts(), *, html: bool = True
    ) -> Message:
        """A letter ready to post: text, and HTML beside it unless that is not wished for."""
        words = self._words(name, locale, facts)
        subject, text = self._stationery.text(name, locale, words)
        page = self._stationery.html(name, locale, words | {"subject": subject}) if html else None
        return Message(to=to, subject=subject, text=text, html=page, letter=name, locale=locale)

    def check(self) -> None:
        """Write every letter in every language, with all it may tell and with the least.

        Raises OperatorError, naming the file and mostly the line, for what can't be written, and
        for a letter that does not show its code or its link.
        """
        for name, locale, whole in product(NAMES, LOCALES, (True, False)):
            facts = sample(name, self._clock(), link=whole, network=whole)
            letter = self.write(name, "you@example.com", locale, facts)
            shown = {"code": facts.code, "link": facts.link if name == "code" else None}
            _demand(shown, letter.text, self.source(name, "txt", locale))
            _demand(shown, letter.html or "", self.source(name, "html", locale))

    def source(self, name: Name, suffix: Suffix, locale: Locale) -> str:
        """The file of which its text or its HTML is made in that language."""
        return self._stationery.source(name, suffix, locale)

    def _words(self, name: Name, locale: Locale, facts: Facts) -> dict[str, Any]:
        until = None if facts.until is None else wording.day(locale, facts.until)
        told = {"code": facts.code, "provider": facts.provider, "until": until}
        needed = {fact: told[fact] for fact in _TOLD.get(name, ())}
        if missing := [fact for fact, value in needed.items() if value is None]:
            raise ValueError(f"the letter {name} tells {', '.join(missing)}")
        return {
            "application": self._application,
            "at": wording.moment(locale, self._clock()),
            "network": facts.network,
            "locale": locale,
            **needed,
            **({"minutes": facts.minutes, "link": facts.link} if "code" in needed else {}),
        }


def open_letters(settings: MailSettings, clock: Clock) -> Letters:
    """The letters of an installation.

    Raises OperatorError, in a line with file and line, where the operator's folder can't be used.
    """
    name, default = settings.application_name, settings.default_locale
    letters = Letters(opened(settings.templates), clock, application=name, default=default)
    if settings.templates is not None:
        letters.check()
    return letters


def sample(name: Name, now: int, *, link: bool = False, network: bool = True) -> Facts:
    """Facts that nobody's letter tells, with or without those that a letter may lack."""
    told = _TOLD.get(name, ())
    return Facts(
        code="123456" if "code" in told else None,
        link="https://id.example.com/magic_link/link#code=123456" if link else None,
        provider="github",
        until=now + 14 * DAY,
        network="203.0.113.0/24" if network else None,
    )


def _demand(needed: dict[str, str | None], written: str, file: str) -> None:
    """Raise OperatorError unless a letter shows all that it is there for."""
    for fact, value in needed.items():
        if value and value not in written:
            raise OperatorError(f"{file}: does not show the {fact}")
