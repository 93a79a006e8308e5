"""What LinkedIn answers, for Identra's rules to be run without it."""

from collections.abc import Mapping
from typing import Any

from identra.testing import OAuth2Conformance, Person


class LinkedInConformance(OAuth2Conformance):
    """From "Sign In with LinkedIn using OpenID Connect"."""

    name = "linkedin"
    plugin = "identra_linkedin"

    def replies(self, person: Person) -> Mapping[str, Any]:
        """The one URL that is read; without an address there is no flag either."""
        email = {"email": person.email, "email_verified": person.verified} if person.email else {}
        me = {
            "sub": person.subject,
            "name": person.name,
            "picture": "https://media.licdn.com/7",
            "locale": {"country": "US", "language": "en"},
        }
        return {"https://api.linkedin.com/v2/userinfo": me | email}
