"""What a place that is named by settings says, for Identra's rules to be run without one."""

from collections.abc import Mapping
from typing import Any, ClassVar

from identra.testing import OIDCConformance, Person


class DeclaredConformance(OIDCConformance):
    """A place whose token says who it is, and whose userinfo says the rest."""

    name = "oidc"
    plugin = "identra_oidc"
    settings: ClassVar[Mapping[str, Any]] = {
        "issuer": "https://id.corp.example/realms/staff",
        "hosts": ["keys.corp.example"],
        "email_trust": "claim",
    }

    def claims(self, person: Person) -> Mapping[str, Any]:
        """Those of the id_token."""
        return {"sub": person.subject, "preferred_username": person.name}

    def userinfo(self, person: Person) -> Mapping[str, Any]:
        """Her address, and the word for it."""
        email = {"email": person.email, "email_verified": person.verified} if person.email else {}
        return {"name": "Ada Lovelace", "picture": "https://id.corp.example/7", **email}

    def discovery(self) -> Mapping[str, Any]:
        """Its keys are at a host of their own."""
        return {
            "jwks_uri": "https://keys.corp.example/staff",
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
        }
