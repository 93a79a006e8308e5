"""What GitLab says of a person, for Identra's rules to be run without it."""

from collections.abc import Mapping
from typing import Any

from identra.testing import OIDCConformance, Person

BASE = "https://gitlab.com"


class GitLabConformance(OIDCConformance):
    """From "GitLab as OpenID Connect identity provider": userinfo says most."""

    name = "gitlab"
    plugin = "identra_gitlab"

    def claims(self, person: Person) -> Mapping[str, Any]:
        """Little but who it is."""
        return {"sub": person.subject, "sub_legacy": "0a1b2c"}

    def userinfo(self, person: Person) -> Mapping[str, Any]:
        """What is shown of her."""
        return {
            "name": "Ada Lovelace",
            "nickname": person.name,
            "preferred_username": person.name,
            "email": person.email,
            "email_verified": person.verified,
            "profile": f"{BASE}/ada",
            "picture": f"{BASE}/uploads/7.png",
            "groups": ["engines"],
        }

    def discovery(self) -> Mapping[str, Any]:
        """Where everything is."""
        return {
            "authorization_endpoint": f"{BASE}/oauth/authorize",
            "token_endpoint": f"{BASE}/oauth/token",
            "jwks_uri": f"{BASE}/oauth/discovery/keys",
            "userinfo_endpoint": f"{BASE}/oauth/userinfo",
        }
