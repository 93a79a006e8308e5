"""What Facebook answers, for Identra's rules to be run without it."""

from collections.abc import Mapping
from typing import Any

from identra.testing import OAuth2Conformance, Person


class FacebookConformance(OAuth2Conformance):
    """From the Graph API's "User"; no address is asked for."""

    name = "facebook"
    plugin = "identra_facebook"

    def replies(self, person: Person) -> Mapping[str, Any]:
        """The three fields that are asked for."""
        picture = {"data": {"url": "https://platform-lookaside.fbsbx.com/7", "width": 50}}
        me = {"id": person.subject, "name": person.name, "picture": picture}
        return {"https://graph.facebook.com/v23.0/me": me}
