"""The examination: topic after topic, each as far as those before it let it go."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from identra import loader, master
from identra.app import opening
from identra.app.keyring import rotation_policy
from identra.attempts import AttemptLog
from identra.doctor import (
    database,
    keys,
    machine,
    mail,
    outside,
    providers,
    redis,
    settings,
    webhooks,
)
from identra.errors import IdentraError, OperatorError
from identra.events import Events
from identra.issuers import Issuers
from identra.keys import list_keys, plan_rotation
from identra.keys.nouns import PUBLISHED
from identra.master import MasterKeyError
from identra.meter import UNMETERED
from identra.settings import SettingsError, load
from identra.settings.words import is_loopback
from identra.state.redis import open_redis
from identra.tracer import UNTRACED
from identra.webhooks import read_targets

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from identra.db import Database
    from identra.doctor.finding import Finding
    from identra.loader import Providers
    from identra.master import MasterKeys
    from identra.settings import Loaded, SettingsTree
    from identra.values import Clock


async def examine(
    config: Path | None,
    environ: Mapping[str, str],
    *,
    url: str | None = None,
    mail_to: str | None = None,
    clock: Clock = opening.system_clock,
) -> tuple[Finding, ...]:
    """Look at everything the settings name, changing nothing, and say what was found.

    `url` is where callers reach the service: it is called there, as a client would, by a sign-in
    that is refused. `mail_to` gets a letter. The settings are a file's, as `load` finds it.
    """
    try:
        loaded = load(config, environ)
        found = loader.load_for(loaded)
        read_targets(loaded.tree.webhooks)
    except (SettingsError, OperatorError) as fault:
        return (settings.REFUSED.of(str(fault)),)
    async with AsyncExitStack() as opened:
        visit = Visit(loaded, found, opened, url, mail_to, clock)
        return tuple([finding async for finding in visit.all()])


@dataclass(slots=True)
class Visit:
    """One examination. `db` is None until the database was found fit to be asked."""

    loaded: Loaded
    found: Providers
    opened: AsyncExitStack
    url: str | None
    mail_to: str | None
    clock: Clock
    db: Database | None = None
    kids: frozenset[str] | None = None

    @property
    def tree(self) -> SettingsTree:
        """The settings."""
        return self.loaded.tree

    async def all(self) -> AsyncIterator[Finding]:
        """Every finding, topic after topic."""
        for finding in settings.judge(self.loaded, self.found.failures):
            yield finding
        for finding in settings.look_at_certificate(self.tree):
            yield finding
        for topic in (
            self.machine,
            self.database,
            self.ring,
            self.redis,
            self.mail,
            self.providers,
            self.webhooks,
            self.outside,
        ):
            async for finding in topic():
                yield finding

    async def machine(self) -> AsyncIterator[Finding]:
        """How fast it hashes, and what a process may have open."""
        seen = await asyncio.to_thread(machine.look, self.tree.password)
        for finding in machine.judge(seen):
            yield finding

    async def database(self) -> AsyncIterator[Finding]:
        """The database; it is kept open for the topics after it, if it is fit."""
        place = self.tree.persistence
        if database.is_new(place):
            yield database.NEW.of(f"{place.name} is not there yet")
            return
        for finding in database.look_at_room(place):
            yield finding
        try:
            db = await opening.database(self.tree, None, self.opened)
            seen = await database.look(db, self.clock)
        except (OperatorError, IdentraError) as fault:
            yield database.unreached(fault)
            return
        for finding in database.judge(seen):
            yield finding
        if not (seen.standing.pending or seen.denied):
            self.db = db.only_reading()

    async def ring(self) -> AsyncIterator[Finding]:
        """Master keys, and the ring that they open."""
        paths = self.tree.keys.master_key_files
        for finding in keys.look_at_folders(paths):
            yield finding
        if self._makes_its_own() and not paths[0].exists():
            yield keys.NEW.of(f"{paths[0]} is not there yet")
            return
        try:
            held = master.read_files(paths)
        except MasterKeyError as fault:
            yield keys.REFUSED.of(str(fault))
            return
        if self.db is not None:
            for finding in await self._ring(self.db, held):
                yield finding

    def _makes_its_own(self) -> bool:
        return self.tree.persistence.driver == "sqlite" and database.is_new(self.tree.persistence)

    async def _ring(self, db: Database, held: MasterKeys) -> list[Finding]:
        try:
            await opening.ring(self.tree, db, self.clock).load()
            rows = await list_keys(db)
            now = await db.instant()
        except (OperatorError, IdentraError) as fault:
            return [keys.SHUT.of(fault.detail if isinstance(fault, IdentraError) else str(fault))]
        published = (row for row in rows if row.purpose == "sig" and row.state in PUBLISHED)
        self.kids = frozenset(row.kid for row in published)
        due = plan_rotation(rows, now=now, policy=rotation_policy(self.tree))
        return list(keys.judge(self.tree, keys.Seen(rows, held.first.key_id, due), now))

    async def redis(self) -> AsyncIterator[Finding]:
        """Redis, where it is configured."""
        if self.tree.redis is None:
            return
        store = open_redis(self.tree.redis)
        self.opened.push_async_callback(store.close)
        for finding in redis.judge(await redis.look(store)):
            yield finding

    async def mail(self) -> AsyncIterator[Finding]:
        """The mail server, and the letters."""
        for finding in mail.look_at_letters(self.tree, self.clock):
            yield finding
        said, name = self.tree.smtp_mailer, self.tree.mail.application_name
        talk = None if said is None else await mail.look(said, self.mail_to, name, self.clock())
        for finding in mail.judge(self.tree, talk):
            yield finding

    async def providers(self) -> AsyncIterator[Finding]:
        """Each provider."""
        upstreams = opening.upstreams(self.found, None, self.opened, UNMETERED, UNTRACED)
        places = opening.places(self.found, upstreams, self.clock)
        issuers = Issuers(self.db, Events(self.db, self.clock)) if self.db else None
        for finding in await providers.look(self.found, places, issuers, local=self._is_local()):
            yield finding

    def _is_local(self) -> bool:
        return is_loopback(urlsplit(self.tree.public_url).hostname or "")

    async def webhooks(self) -> AsyncIterator[Finding]:
        """Each target of webhooks."""
        for finding in await webhooks.look(read_targets(self.tree.webhooks), self.db):
            yield finding

    async def outside(self) -> AsyncIterator[Finding]:
        """The service as callers see it: where it was said to be called, else its certificate."""
        url = (self.url or self.tree.public_url).rstrip("/")
        if self.url is None and urlsplit(url).scheme != "https":
            return
        sight = await outside.look(url, calls=self.url is not None)
        found = list(outside.judge(sight, self.kids, self.clock()))
        for finding in found:
            yield finding
        other = any(finding.kind is outside.OTHER for finding in found)
        if self.db is not None and sight.refused is not None and not other:
            yield outside.judge_chain(await outside.find(AttemptLog(self.db), sight))
