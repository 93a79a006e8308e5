"""Cables from a service to all that is not on its own disk: database, Redis, mail, provider."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cable import laid_to

if TYPE_CHECKING:
    from contextlib import AsyncExitStack, ExitStack

    from cable import Laid
    from homes import Sections
    from postbox import PostOffice
    from standin.sites import Site

    from identra.settings import Persistence, Redis


def lay(
    opened: ExitStack | AsyncExitStack,
    place: Persistence,
    store: Redis | None,
    post: PostOffice,
    site: Site,
) -> dict[str, Laid]:
    """A cable to each neighbour, by what it is; none to a database that is a file."""
    ends = {
        "smtp": ("127.0.0.1", post.box.port),
        "provider": ("127.0.0.1", int(site.base_url.rpartition(":")[2])),
    }
    if place.driver != "sqlite":
        ends["database"] = (place.host or "127.0.0.1", place.port or 5432)
    if store:
        host, _, port = store.urls[0].partition(":")
        ends["redis"] = (host, int(port))
    return {name: opened.enter_context(laid_to(*end)) for name, end in ends.items()}


def stores_by(
    cables: dict[str, Laid], place: Persistence, store: Redis | None
) -> tuple[Persistence, Redis | None]:
    """The stores, as they are reached by their cables."""
    if "database" in cables:
        here = {"host": "127.0.0.1", "port": cables["database"].port}
        place = place.model_copy(update=here)
    if store:
        store = store.model_copy(update={"urls": (f"127.0.0.1:{cables['redis'].port}",)})
    return place, store


def around_by(cables: dict[str, Laid], around: Sections) -> Sections:
    """What the settings say of the others, as they are reached by their cables."""
    provider = f"http://127.0.0.1:{cables['provider'].port}"
    urls = {"base_url": provider, "api_url": f"{provider}/api/v3"}
    return around | {
        "smtp_mailer": around["smtp_mailer"] | {"port": cables["smtp"].port},
        "providers.github": around["providers.github"] | urls,
    }
