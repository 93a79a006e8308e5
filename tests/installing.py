"""A stranger's plugin, found as pip would have installed it, for as long as a test needs it."""

from __future__ import annotations

import importlib
import sys
import tomllib
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


@contextmanager
def installed(folder: Path, pyproject: str, modules: Mapping[str, str]) -> Iterator[None]:
    """The modules and what pyproject.toml says of them, on the path: code and dist-info."""
    site = folder / "site"
    site.mkdir()
    for name, source in modules.items():
        (site / f"{name}.py").write_text(source)
    _write_metadata(site, tomllib.loads(pyproject)["project"])
    sys.path.insert(0, str(site))
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path.remove(str(site))
        importlib.invalidate_caches()
        for name in modules:
            sys.modules.pop(name, None)


def _write_metadata(site: Path, project: dict[str, object]) -> None:
    name, version = project["name"], project["version"]
    info = site / f"{str(name).replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    groups = project["entry-points"]
    assert isinstance(groups, dict)
    lines = [
        line
        for group, points in groups.items()
        for line in (f"[{group}]", *(f"{point} = {target}" for point, target in points.items()))
    ]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n")
