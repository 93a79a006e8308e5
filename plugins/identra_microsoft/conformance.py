"""What Microsoft says of a person, for Identra's rules to be run without it."""

from collections.abc import Mapping
from typing import Any, ClassVar

from identra.testing import OIDCConformance, Person

HOST = "https://login.microsoftonline.com"
TENANT = "aaaabbbb-0000-cccc-1111-dddd2222eeee"


class MicrosoftConformance(OIDCConformance):
    """The accounts of one tenant, from "ID token claims reference"; its `email` is anybody's."""

    name = "microsoft"
    plugin = "identra_microsoft"
    settings: ClassVar[Mapping[str, Any]] = {"tenant": TENANT}

    def claims(self, person: Person) -> Mapping[str, Any]:
        """All there is to know: userinfo is not asked."""
        return {
            "sub": person.subject,
            "tid": TENANT,
            "oid": "00000000-0000-0000-66f3-3332eca7ea81",
            "ver": "2.0",
            "name": "Ada Lovelace",
            "preferred_username": person.name,
            "email": person.email,
            "email_verified": person.verified,
        }

    def discovery(self) -> Mapping[str, Any]:
        """Where everything is: below the tenant, or the word for many."""
        base = f"{HOST}/{self.settings['tenant']}"
        return {
            "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
            "token_endpoint": f"{base}/oauth2/v2.0/token",
            "jwks_uri": f"{base}/discovery/v2.0/keys",
            "userinfo_endpoint": "https://graph.microsoft.com/oidc/userinfo",
        }


class ManyTenantsConformance(MicrosoftConformance):
    """The accounts of several tenants: each is an issuer of its own."""

    settings: ClassVar[Mapping[str, Any]] = {"tenant": "organizations", "tenants": [TENANT]}
