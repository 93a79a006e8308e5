"""Login by a code mailed to an address; a right one proves the address."""

from identra.plugin import CodeProvider, EmailTrust, hookimpl


class Email(CodeProvider):
    """The core spells, mails and counts: this names the place."""

    name, contract = "email", 1
    email_trust = EmailTrust.always
    by_mail = True


@hookimpl
def providers() -> list[type[CodeProvider]]:
    """The one provider here."""
    return [Email]
