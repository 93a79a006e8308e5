"""Login by address and password; it finds the user of an address, and never proves one."""

from identra.plugin import EmailTrust, SecretProvider, hookimpl


class Password(SecretProvider):
    """The core hashes, compares and counts: this names the place."""

    name, contract = "password", 1
    email_trust = EmailTrust.never


@hookimpl
def providers() -> list[type[SecretProvider]]:
    """The one provider here."""
    return [Password]
