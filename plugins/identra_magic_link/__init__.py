"""Login by a mail with a code and a link that brings it; a right one proves the address."""

from identra.plugin import CodeProvider, EmailTrust, ProviderSettings, hookimpl


class MagicLinkSettings(ProviderSettings):
    """`page` is the application's own, to which the link leads; else Identra shows one."""

    page: str = ""


class MagicLink(CodeProvider):
    """The core spells, mails, links and counts: this names the place."""

    name, contract = "magic_link", 1
    email_trust = EmailTrust.always
    settings_model = MagicLinkSettings
    by_mail = with_link = True

    def __init__(self, settings: MagicLinkSettings) -> None:
        super().__init__(settings)
        self.page = settings.page


@hookimpl
def providers() -> list[type[CodeProvider]]:
    """The one provider here."""
    return [MagicLink]
