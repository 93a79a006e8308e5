"""What Google says of a person, for Identra's rules to be run without it."""

from collections.abc import Mapping
from typing import Any

from identra.testing import OIDCConformance, Person


class GoogleConformance(OIDCConformance):
    """From Google's "OpenID Connect API reference"; its endpoints are spread over four hosts."""

    name = "google"
    plugin = "identra_google"

    def claims(self, person: Person) -> Mapping[str, Any]:
        """All there is to know: userinfo is not asked."""
        email = {"email": person.email, "email_verified": person.verified} if person.email else {}
        return {
            "sub": person.subject,
            "hd": "example.com",
            "name": person.name,
            "given_name": "Ada",
            "family_name": "Lovelace",
            "picture": "https://lh3.googleusercontent.com/a/7",
            **email,
        }

    def discovery(self) -> Mapping[str, Any]:
        """Where everything is."""
        return {
            "authorization_endpoint": "https://accounts.google.com/o/oauth2/v2/auth",
            "token_endpoint": "https://oauth2.googleapis.com/token",
            "jwks_uri": "https://www.googleapis.com/oauth2/v3/certs",
            "userinfo_endpoint": "https://openidconnect.googleapis.com/v1/userinfo",
        }
