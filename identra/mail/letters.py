"""The letters Identra writes. Nothing in them is chosen by a user but the code.

Every function returns a `Message` ready to post; `application` is the operator's name for the
service.
"""

from __future__ import annotations

from functools import cache
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from identra.values import Message

# One subject for whoever asked to get in, so that a preview on a locked screen tells neither
# the code nor whether the address is known.
_ENTRY: Final = "Signing in to {application}"


def code(  # noqa: PLR0913 - what the letter says, each by name
    to: str,
    code: str,
    *,
    minutes: int,
    application: str,
    use_html: bool,
    link: str | None = None,
) -> Message:
    """The letter that carries a code, valid for `minutes`; with HTML beside the text on wish.

    `link` leads to where the same code can be answered.
    """
    words: dict[str, str | int | None] = {
        "code": code,
        "minutes": minutes,
        "application": application,
        "link": link,
    }
    return Message(
        to=to,
        subject=_ENTRY.format(application=application),
        text=_write("code.txt", **words),
        html=_write("code.html", **words) if use_html else None,
    )


def reset_code(to: str, code: str, *, minutes: int, application: str) -> Message:
    """The letter that carries a code by which a new password is set, valid for `minutes`."""
    subject = "A new password for {application}"
    return _letter(to, subject, "reset_code.txt", application, code=code, minutes=str(minutes))


def address_code(to: str, code: str, *, minutes: int, application: str) -> Message:
    """The letter that carries a code by which the address joins an account."""
    subject = "This address at {application}"
    return _letter(to, subject, "address_code.txt", application, code=code, minutes=str(minutes))


def address_added(to: str, *, application: str) -> Message:
    """A further address opens the account."""
    subject = "An address was added to your {application} account"
    return _letter(to, subject, "address_added.txt", application)


def address_removed(to: str, *, application: str) -> Message:
    """An address, be it this one, opens the account no longer."""
    subject = "An address was removed from your {application} account"
    return _letter(to, subject, "address_removed.txt", application)


def primary_changed(to: str, *, application: str) -> Message:
    """For the former primary address: another is it now."""
    subject = "Your {application} account has another primary address"
    return _letter(to, subject, "primary_changed.txt", application)


def already_registered(to: str, *, application: str) -> Message:
    """For an owner with a password, whose address somebody tried to register. Holds no code."""
    return _letter(to, _ENTRY, "already_registered.txt", application)


def identity_linked(to: str, *, provider: str, application: str) -> Message:
    """An identity at `provider` can now open the account."""
    subject = "A new way into your {application} account"
    return _letter(to, subject, "identity_linked.txt", application, provider=provider)


def identity_unlinked(to: str, *, provider: str, application: str) -> Message:
    """The identities at `provider` open the account no longer."""
    subject = "A way into your {application} account was removed"
    return _letter(to, subject, "identity_unlinked.txt", application, provider=provider)


def password_set(to: str, *, application: str) -> Message:
    """The account's password was set or changed."""
    return _letter(to, "Your {application} password was set", "password_set.txt", application)


def address_lost(to: str, *, application: str) -> Message:
    """For a claimant: an address she never proved left her account, since its owner proved it."""
    subject = "An address left your {application} account"
    return _letter(to, subject, "address_lost.txt", application)


def claim_dropped(to: str, *, application: str) -> Message:
    """For an address's owner: what was set up before she proved it no longer opens anything."""
    subject = "Your {application} account is now yours alone"
    return _letter(to, subject, "claim_dropped.txt", application)


def deletion_asked(to: str, *, until: str, application: str) -> Message:
    """The account is closed, and will be deleted at that time."""
    subject = "Your {application} account will be deleted"
    return _letter(to, subject, "deletion_asked.txt", application, until=until)


def _letter(to: str, subject: str, template: str, application: str, **words: str) -> Message:
    text = _write(template, application=application, **words)
    return Message(to=to, subject=subject.format(application=application), text=text)


def _write(template: str, **words: str | int | None) -> str:
    return _templates().get_template(template).render(words)


@cache
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("identra.mail"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        auto_reload=False,
    )
