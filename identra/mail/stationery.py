"""The paper letters are written on: our templates, and those of the operator's in their place.

A letter is two templates, `NAME.txt` and `NAME.html`, or in one language `NAME.LOCALE.txt` and
`NAME.LOCALE.html`. The text begins with a line `Subject: …`. They run in a sandbox: what is done
in them can't leave them.
"""

from __future__ import annotations

import re
import traceback
from functools import cache
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from jinja2 import (
    ChoiceLoader,
    FunctionLoader,
    PackageLoader,
    StrictUndefined,
    TemplateSyntaxError,
    pass_context,
    select_autoescape,
)
from jinja2.sandbox import ImmutableSandboxedEnvironment

from identra.errors import OperatorError
from identra.locales import LOCALES
from identra.mail import wording
from identra.mail.envelope import LONGEST_SUBJECT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from jinja2.runtime import Context

    from identra.locales import Locale

Suffix: TypeAlias = Literal["txt", "html"]
Words: TypeAlias = "Mapping[str, Any]"

_SUBJECT: Final = re.compile(r"Subject: (.+)\n\n")
_OURS: Final = "identra.mail"
_FOLDER: Final = "templates"


class Stationery:
    """Writes what the templates say. `theirs` are the operator's: text by name, from `folder`."""

    def __init__(self, folder: Path | None, theirs: Mapping[str, str]) -> None:
        self._folder = folder
        self._theirs = theirs
        self._ours = PackageLoader(_OURS, _FOLDER)
        self._environment = _environment(ChoiceLoader([FunctionLoader(self._load), self._ours]))

    def text(self, name: str, locale: Locale, words: Words) -> tuple[str, str]:
        """The subject and the text of a letter. Raises OperatorError for what can't be written."""
        written = self._write(name, "txt", locale, words)
        found = _SUBJECT.match(written)
        if not found or not found[1].isprintable() or len(found[1]) > LONGEST_SUBJECT:
            raise OperatorError(
                f"{self.source(name, 'txt', locale)}:1: begins with no line `Subject: …` of up to"
                f" {LONGEST_SUBJECT} characters, and an empty one after it"
            )
        return found[1], f"{written[found.end() :].rstrip()}\n"

    def html(self, name: str, locale: Locale, words: Words) -> str:
        """The HTML of a letter. Raises OperatorError for what can't be written."""
        return f"{self._write(name, 'html', locale, words).rstrip()}\n"

    def source(self, name: str, suffix: Suffix, locale: Locale) -> str:
        """The file that is taken for it; one of ours by its name alone."""
        found = next((n for n in _names(name, suffix, locale) if n in self._theirs), None)
        return self._path(found) if found else f"{name}.{suffix}"

    def _write(self, name: str, suffix: Suffix, locale: Locale, words: Words) -> str:
        try:
            template = self._environment.select_template(list(_names(name, suffix, locale)))
            return template.render(words)
        except Exception as fault:
            # Whatever an operator's template does wrong is told to her, in a line.
            place = self._place(fault) or self.source(name, suffix, locale)
            says = " ".join(str(fault).split()) or type(fault).__name__
            raise OperatorError(f"{place}: {says}") from fault

    def _place(self, fault: Exception) -> str | None:
        """The file and the line at fault, as far as they are known."""
        if isinstance(fault, TemplateSyntaxError):
            return f"{fault.filename or fault.name}:{fault.lineno}"
        theirs = {self._path(name) for name in self._theirs}
        frames = traceback.extract_tb(fault.__traceback__)
        lines = [f"{frame.filename}:{frame.lineno}" for frame in frames if frame.filename in theirs]
        return lines[-1] if lines else None

    def _load(self, name: str) -> tuple[str, str, None] | None:
        return (self._theirs[name], self._path(name), None) if name in self._theirs else None

    def _path(self, name: str) -> str:
        return str(self._folder / name) if self._folder else name


def opened(folder: Path | None) -> Stationery:
    """The stationery of a folder of the operator's, or ours alone.

    The folder is read now and never again. A file takes the place of ours by its name; one that
    begins with `_` is a part for others to include; what ends with neither .txt nor .html is left
    alone. Raises OperatorError where it can't be read, or names none of ours.
    """
    if folder is None:
        return _ours()
    try:
        found = sorted(file for file in folder.iterdir() if file.suffix in {".txt", ".html"})
        theirs = {file.name: _read(file) for file in found}
    except OSError as fault:
        place = fault.filename or folder
        raise OperatorError(f"mail.templates: {place}: {fault.strerror}") from fault
    ours = PackageLoader(_OURS, _FOLDER).list_templates()
    for name in theirs:
        if not name.startswith("_") and _without_locale(name) not in ours:
            raise OperatorError(f"{folder / name}: no letter has that name; a part begins with _")
    return Stationery(folder, theirs)


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as fault:
        line = fault.object.count(b"\n", 0, fault.start) + 1
        raise OperatorError(f"{file}:{line}: is not UTF-8") from fault


@cache
def _ours() -> Stationery:
    """Templates that never change, compiled once in a process."""
    return Stationery(None, {})


def _names(name: str, suffix: Suffix, locale: Locale) -> tuple[str, str]:
    return f"{name}.{locale}.{suffix}", f"{name}.{suffix}"


def _without_locale(name: str) -> str:
    stem, _, suffix = name.rpartition(".")
    first, _, locale = stem.rpartition(".")
    return f"{first}.{suffix}" if locale in LOCALES else name


def _environment(loader: ChoiceLoader) -> ImmutableSandboxedEnvironment:
    made = ImmutableSandboxedEnvironment(
        loader=loader,
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        auto_reload=False,
    )
    made.policies["ext.i18n.trimmed"] = True
    install = made.install_gettext_callables  # type: ignore[attr-defined] # the extension's own
    install(_gettext, _ngettext, newstyle=True)
    return made


@pass_context
def _gettext(context: Context, sentence: str) -> str:
    return wording.say(context["locale"], sentence)


@pass_context
def _ngettext(context: Context, one: str, many: str, number: int) -> str:
    return wording.say(context["locale"], one if number == 1 else many)
