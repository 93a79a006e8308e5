"""The letters' catalogues beside their templates; run by itself, it brings the catalogues up."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from identra.locales import LOCALES

ROOT: Final = Path(__file__).parents[1]
TEMPLATES: Final = ROOT / "identra/mail/templates"
FOLDER: Final = ROOT / "identra/mail/translations"
HEAD: Final = """\
msgid ""
msgstr ""
"Language: {locale}\\n"
"Content-Type: text/plain; charset=utf-8\\n"

"""
TRANSLATED: Final = tuple(locale for locale in LOCALES if locale != "en")


def sentences() -> Catalog:
    """Every sentence of the templates, in their order, and where it stands."""
    found = Catalog(project="identra", charset="utf-8")
    method = "jinja2.ext:babel_extract"
    options = {"**": {"trimmed": "true", "silent": "false"}}
    for file, line, said, _, _ in extract_from_dir(
        TEMPLATES, method_map=[("**.txt", method), ("**.html", method)], options_map=options
    ):
        found.add(said, locations=[(file, line)])
    return found


def catalogue(locale: str) -> Catalog:
    """A catalogue as it is in the repository."""
    with (FOLDER / f"{locale}.po").open("rb") as file:
        return read_po(file, locale=locale, abort_invalid=True)


def written(locale: str, said: Catalog) -> bytes:
    """The catalogue as it is to be: every sentence of the templates and no other, none guessed."""
    made = Catalog(locale=locale)
    former = catalogue(locale) if (FOLDER / f"{locale}.po").exists() else Catalog(locale=locale)
    for message in said:
        if message.id:
            known = former.get(message.id)
            made.add(message.id, known.string if known else "", flags=message.flags)
    file = BytesIO()
    write_po(file, made, width=100, omit_header=True)
    return HEAD.format(locale=locale).encode() + file.getvalue()


if __name__ == "__main__":
    for each in TRANSLATED:
        (FOLDER / f"{each}.po").write_bytes(written(each, sentences()))
