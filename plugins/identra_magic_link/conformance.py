"""The rules for codes by mail, run for this provider with a page of an application and without."""

from collections.abc import Mapping
from typing import Any, ClassVar

from identra.testing import MailConformance


class MagicLinkConformance(MailConformance):
    """The link leads to Identra's own page."""

    name = "magic_link"
    plugin = "identra_magic_link"


class OwnPageConformance(MagicLinkConformance):
    """The link leads to a page of the application's."""

    settings: ClassVar[Mapping[str, Any]] = {"page": "https://app.example/sign-in?by=mail"}
