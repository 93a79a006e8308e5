"""A new plugin: a package whose tests pass at once, to be changed into what its author wants."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from identra.errors import OperatorError
from identra.providers.base import CONTRACT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KINDS: Final = ("oauth2", "oidc", "code", "secret", "hooks")
_SHARED: Final = ("pyproject.toml", "README.md", "test.py")


def write(folder: Path, name: str, kind: str) -> tuple[Path, ...]:
    """The files of a plugin of that kind in a folder that is not there yet; which were written.

    Raises OperatorError where something is there.
    """
    if folder.exists():
        raise OperatorError(f"{folder}: is there already")
    written = []
    for path, text in _files(name, kind):
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        written.append(file)
    return tuple(written)


def _files(name: str, kind: str) -> Iterator[tuple[str, str]]:
    words = {
        "name": name,
        "kind": kind,
        "title": "".join(part.capitalize() for part in name.split("_")),
        "package": f"identra_{name}",
        "project": f"identra-{name.replace('_', '-')}",
        "host": f"{name.replace('_', '-')}.example",
        "contract": CONTRACT,
    }
    places = {
        "pyproject.toml": "pyproject.toml",
        "README.md": "README.md",
        "test.py": f"tests/test_{name}.py",
    }
    for template in _SHARED:
        yield places[template], _templates().get_template(f"{template}.jinja").render(words)
    package = f"src/{words['package']}"
    for part, to in ((kind, "__init__"), (f"{kind}_conformance", "conformance")):
        yield f"{package}/{to}.py", _templates().get_template(f"{part}.py.jinja").render(words)
    yield f"{package}/py.typed", ""


@cache
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("identra.testing"),
        autoescape=False,  # noqa: S701 - Python and TOML, of a name that is checked
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        auto_reload=False,
    )
