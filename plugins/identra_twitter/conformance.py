"""What X answers, for Identra's rules to be run without it."""

from collections.abc import Mapping
from typing import Any

from identra.testing import OAuth2Conformance, Person


class TwitterConformance(OAuth2Conformance):
    """From "Get authenticated user"; its numbers come as strings."""

    name = "twitter"
    plugin = "identra_twitter"

    def replies(self, person: Person) -> Mapping[str, Any]:
        """The one URL that is read."""
        me = {
            "id": person.subject,
            "name": "Ada",
            "username": person.name,
            "profile_image_url": "https://pbs.twimg.com/7.jpg",
        }
        return {"https://api.x.com/2/users/me": {"data": me}}
