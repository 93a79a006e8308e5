"""What GitHub answers, for Identra's rules to be run without it."""

from collections.abc import Mapping
from typing import Any

from identra.testing import OAuth2Conformance, Person


class GitHubConformance(OAuth2Conformance):
    """An account's number is its id."""

    name = "github"
    plugin = "identra_github"
    numbers = True

    def replies(self, person: Person) -> Mapping[str, Any]:
        """The two URLs that are read."""
        email = {"email": person.email, "verified": person.verified, "primary": True}
        user = {
            "id": person.subject,
            "login": person.name,
            "avatar_url": "https://github.com/a.png",
        }
        return {
            "https://api.github.com/user": user,
            "https://api.github.com/user/emails": [email] if person.email else [],
        }
