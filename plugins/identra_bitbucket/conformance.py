"""What Bitbucket answers, for Identra's rules to be run without it."""

from collections.abc import Mapping
from typing import Any

from identra.testing import OAuth2Conformance, Person


class BitbucketConformance(OAuth2Conformance):
    """From "Users" of Bitbucket Cloud's REST API; an account may have several addresses."""

    name = "bitbucket"
    plugin = "identra_bitbucket"

    def replies(self, person: Person) -> Mapping[str, Any]:
        """The account, and its addresses by pages."""
        user = {
            "type": "user",
            "uuid": person.subject,
            "account_id": "557058:c2c3b1a0-5f0e-4f9c-9a1e-000000000000",
            "display_name": person.name,
            "links": {"avatar": {"href": "https://bitbucket.org/account/a/avatar/"}},
        }
        former = {"email": "former@example.com", "is_primary": False, "is_confirmed": True}
        email = {"email": person.email, "is_primary": True, "is_confirmed": person.verified}
        emails = [former, email] if person.email else []
        return {
            "https://api.bitbucket.org/2.0/user": user,
            "https://api.bitbucket.org/2.0/user/emails": {"pagelen": 10, "values": emails},
        }
