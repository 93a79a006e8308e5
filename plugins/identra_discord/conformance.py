"""What Discord answers, for Identra's rules to be run without it."""

from collections.abc import Mapping
from typing import Any

from identra.testing import OAuth2Conformance, Person


class DiscordConformance(OAuth2Conformance):
    """From Discord's "User resource"; its numbers come as strings."""

    name = "discord"
    plugin = "identra_discord"

    def replies(self, person: Person) -> Mapping[str, Any]:
        """The one URL that is read."""
        me = {
            "id": person.subject,
            "username": person.name,
            "discriminator": "0",
            "global_name": "Ada",
            "avatar": "8342729096ea3675442027381ff50dfe",
            "verified": person.verified,
            "email": person.email,
        }
        return {"https://discord.com/api/v10/users/@me": me}
