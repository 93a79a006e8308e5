"""What the doctor finds in an installation, and how it is put together for that."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

from homes import write_settings

from identra import loader
from identra.app import opening
from identra.doctor.examination import Visit
from identra.settings import load

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from homes import Sections

    from identra.settings import Persistence, Redis
    from identra.values import Clock

Found = dict[str, str]
"""The cause by the code; of several with one code, the last."""


async def found_in(
    file: Path,
    *topics: str,
    url: str | None = None,
    mail_to: str | None = None,
    clock: Clock = opening.system_clock,
    environ: Mapping[str, str] | None = None,
) -> Found:
    """What these topics bring to light, asked in their order."""
    loaded = load(file, environ or {})
    async with AsyncExitStack() as opened:
        visit = Visit(loaded, loader.load_for(loaded), opened, url, mail_to, clock)
        return {
            finding.code: finding.cause
            for topic in topics
            async for finding in getattr(visit, topic)()
        }


async def found_with(
    folder: Path,
    place: Persistence,
    *topics: str,
    store: Redis | None = None,
    sections: Sections | None = None,
    **told: Any,
) -> Found:
    """The same, of settings that are written for it."""
    return await found_in(write_settings(folder, place, store, sections), *topics, **told)
