"""Services for the pages' code to call, with a stand-in where GitHub would be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import npm
import pytest
import running
from standin.github import Email, GitHub, Person
from standin.sites import Site, open_site

from identra.secret import fingerprint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

GRACE = Person(7, "grace", (Email("grace@example.com"),))


@pytest.fixture(scope="session")
def node_modules() -> Path:
    return npm.modules()


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    """GitHub, where an OAuth app is registered as the pages tell."""
    github = GitHub(callback="http://localhost/")
    github.welcome(GRACE)
    with open_site(github) as site:
        yield site


@pytest.fixture(scope="session")
def github(site: Site) -> str:
    """The section of the settings that leads there, with the addresses of configs/identra.toml."""
    app = GitHub()
    return f"""
[providers.github]
client_id = "{app.client_id}"
client_secret = "{app.client_secret}"
redirect_url = "http://localhost:8080/oauth/callback"
redirect_urls = ["http://localhost:3000/callback"]
base_url = "{site.base_url}"
api_url = "{site.api_url}"
"""


CLIENT = ("orders", "the secret of a service on a page, with 256 bits")
ASKED = f"""
[[introspection.clients]]
id = "{CLIENT[0]}"
secret_sha256 = "{fingerprint(CLIENT[1])}"
"""
"""The service that a page lets ask; its secret is in a file beside the settings."""

LINKS = """
[providers.magic_link]
page = "http://localhost:3000/link"
[providers.desk_link]
plugin = "magic_link"
"""
"""Mailed links lead to a page of the application, or to one of Identra's."""

NO_GRACE = '[auth]\nrefresh_grace = "0s"\n'
"""A former refresh token answers to its Idempotency-Key alone."""


@pytest.fixture(scope="session")
def start(
    github: str, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., AbstractContextManager[running.Running]]:
    """Start `identra serve --dev`, as the pages ask for, with further settings."""

    def started(extra: str = "") -> AbstractContextManager[running.Running]:
        folder = tmp_path_factory.mktemp("pages")
        (folder / "orders.secret").write_text(CLIENT[1])
        return running.identra(folder, "--dev", extra=github + ASKED + LINKS + extra)

    return started


@pytest.fixture(scope="module")
def service(
    start: Callable[..., AbstractContextManager[running.Running]],
) -> Iterator[running.Running]:
    """For one module alone: all that call come from one network, and share what it may spend."""
    with start(NO_GRACE) as service:
        yield service


@pytest.fixture(scope="module")
def strict(
    start: Callable[..., AbstractContextManager[running.Running]],
) -> Iterator[running.Running]:
    """As in production, registration waits for the mailed code."""
    with start('[password]\nregistration = "verified"\n') as service:
        yield service
