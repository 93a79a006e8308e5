"""What places that are named by settings answer, for Identra's rules to be run without one."""

from collections.abc import Mapping
from typing import Any, ClassVar

from identra.testing import OAuth2Conformance, Person

ME = "https://api.forge.example/me"


class DeclaredConformance(OAuth2Conformance):
    """A place with strings as ids, which says of its one address whether it is verified."""

    name = "oauth2"
    plugin = "identra_oauth2"
    settings: ClassVar[Mapping[str, Any]] = {
        "authorize_url": "https://forge.example/authorize",
        "token_url": "https://forge.example/token",
        "userinfo_url": ME,
        "scopes": ["user"],
        "email_trust": "claim",
        "subject": "account.id",
        "username": "account.handle",
        "avatar_url": "account.picture",
        "email": "email.address",
        "email_verified": "email.confirmed",
    }

    def replies(self, person: Person) -> Mapping[str, Any]:
        """The one URL that is read."""
        email = {"address": person.email, "confirmed": person.verified}
        account = {
            "id": person.subject,
            "handle": person.name,
            "picture": "https://forge.example/7",
        }
        return {ME: {"account": account, "email": email if person.email else None}}


class NumberedConformance(DeclaredConformance):
    """The same with numbers as ids, which wants its client's secret by HTTP Basic."""

    numbers = True
    settings: ClassVar[Mapping[str, Any]] = {
        **DeclaredConformance.settings,
        "client_auth": "basic",
    }
