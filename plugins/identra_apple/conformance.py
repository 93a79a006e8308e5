"""What Apple says of a person, for Identra's rules to be run without it."""

from collections.abc import Mapping
from typing import Any

from identra.testing import OIDCConformance, Person, private_key


class AppleConformance(OIDCConformance):
    """From "Receiving a user's identity token": it says `email_verified` in letters."""

    name = "apple"
    plugin = "identra_apple"

    @property
    def settings(self) -> Mapping[str, Any]:  # type: ignore[override] # a key is made, not kept
        """What a team is given, with a key that nobody else has."""
        key = private_key()
        return {"team_id": "9ABCDE1234", "key_id": "ABC123DEFG", "private_key": key}

    def claims(self, person: Person) -> Mapping[str, Any]:
        """All there is to know: it has no userinfo, and tells no name in a token."""
        verified = "true" if person.verified else "false"
        email = {"email": person.email, "email_verified": verified} if person.email else {}
        return {
            "sub": person.subject,
            "is_private_email": "false",
            "nonce_supported": True,
            "real_user_status": 2,
            **email,
        }

    def discovery(self) -> Mapping[str, Any]:
        """Where everything is; the client's secret goes in the form alone."""
        return {
            "authorization_endpoint": "https://appleid.apple.com/auth/authorize",
            "token_endpoint": "https://appleid.apple.com/auth/token",
            "jwks_uri": "https://appleid.apple.com/auth/keys",
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
            "userinfo_endpoint": None,
        }
