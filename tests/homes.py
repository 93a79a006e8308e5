"""A whole house for a test: the real rooms over a real database, its edges swapped."""

from __future__ import annotations

import json
import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from wires import wire

from identra.app import App, Swapped, build
from identra.app.preparing import make_first_keys
from identra.db import open_database
from identra.mail import Outbox
from identra.settings import Loaded, load
from identra.values import Peer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path
    from types import ModuleType

    import httpx

    from identra.settings import Persistence, Redis
    from identra.values import Clock, Mailer

PASSWORD = "correct horse battery staple"
HERE = Peer("192.0.2.1", attempt_id="attempt")
Sections = dict[str, dict[str, Any]]


def write_settings(
    folder: Path, place: Persistence, store: Redis | None = None, sections: Sections | None = None
) -> Path:
    """A settings file for these stores, with further sections over the defaults."""
    persistence = {
        name: value
        for name in ("driver", "name", "host", "port", "user")
        if (value := getattr(place, name)) is not None
    }
    if place.password:
        persistence["password"] = place.password.get_secret_value()
    written: Sections = {
        "": {"grpc_port": 0},
        "persistence": persistence,
        "keys": {"master_key_files": [str(folder / "master.key")]},
    }
    if store:
        written["redis"] = _redis(store)
    for name, section in (sections or {}).items():
        written[name] = written.get(name, {}) | section
    file = folder / "identra.toml"
    tables = {name: table for name, table in written.items() if name}
    text = "\n".join(_assign(name, value) for name, value in written.get("", {}).items())
    file.write_text(f"{text}\n" + "\n".join(_table(name, table) for name, table in tables.items()))
    return file


@asynccontextmanager
async def open_home(
    folder: Path,
    place: Persistence,
    store: Redis | None = None,
    *,
    sections: Sections | None = None,
    clock: Clock | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
    mailer: Mailer | None = None,
    plugins: Mapping[str, ModuleType] | None = None,
) -> AsyncIterator[App]:
    """An open house on a migrated database; its mail waits in `app.outbox`."""
    loaded = load(write_settings(folder, place, store, sections), {})
    await _give_keys(loaded)
    swapped = Swapped(clock, transport or wire(), mailer or Outbox(), plugins)
    app = await build(loaded, swapped=swapped)
    try:
        yield app
    finally:
        await app.close()


def code_for(app: App, email: str) -> str:
    """The code of the newest mail to an address."""
    assert app.outbox is not None
    for message in reversed(app.outbox.messages):
        if message.to == email and (found := re.search(r"\b\d{6,10}\b", message.text)):
            return found.group()
    raise AssertionError(f"no code was mailed to {email}")


def mails_to(app: App, email: str) -> list[str]:
    """The subjects of all mails to an address, oldest first."""
    assert app.outbox is not None
    return [message.subject for message in app.outbox.messages if message.to == email]


async def _give_keys(loaded: Loaded) -> None:
    db = await open_database(loaded.tree.persistence)
    try:
        await make_first_keys(loaded, db)
    finally:
        await db.close()


def _redis(store: Redis) -> dict[str, Any]:
    said = {"urls": list(store.urls), "key_prefix": store.key_prefix, "tls": store.tls}
    return said | ({"sentinel_master": store.sentinel_master} if store.sentinel_master else {})


def _table(name: str, table: dict[str, Any]) -> str:
    return "\n".join([f"[{name}]", *(_assign(key, value) for key, value in table.items()), ""])


def _assign(key: str, value: Any) -> str:
    return f"{key} = {_value(value)}"


def _value(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(_assign(key, inner) for key, inner in value.items())}}}"
    return json.dumps(value)
