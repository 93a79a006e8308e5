"""An operator's templates take the place of ours, and what is wrong with one stops the start."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from callers import open_house
from homes import Sections, code_for, write_settings
from scribe import NOW, letters

from identra.app import prepare
from identra.cli import run
from identra.errors import OperatorError
from identra.mail.letters import NAMES, sample
from identra.settings import load

if TYPE_CHECKING:
    from pathlib import Path

    from identra.settings import Persistence

ADA = "ada@example.com"
OWN = "Subject: {{ application }} calling\n\nIt is {{ code }}.\n{% include '_foot.txt' %}\n"
FOOT = "{% trans %}Tell the code to nobody: we never ask for it.{% endtrans %} {{ link or '' }}"
GERMAN = "Subject: Hallo\n\nEs ist {{ code }}. {{ link or '' }}\n"

pytestmark = pytest.mark.parametrize("persistence", ["sqlite"], indirect=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "letters"
    made.mkdir()
    return made


def saying(folder: Path, **more: object) -> Sections:
    return {"mail": {"application_name": "Acme", "templates": str(folder), **more}}


def lay(folder: Path, **files: str) -> None:
    """Write templates: `code_txt` is code.txt, and `_foot_txt` _foot.txt."""
    for name, text in files.items():
        stem, _, suffix = name.rpartition("_")
        (folder / f"{stem}.{suffix}").write_text(text)


async def test_a_file_takes_the_place_of_ours_and_the_rest_stays_ours(
    tmp_path: Path, persistence: Persistence, folder: Path
) -> None:
    lay(folder, code_txt=OWN, _foot_txt=FOOT)
    (folder / "code.de.txt").write_text(GERMAN)
    (folder / "notes.md").write_text("{{ nothing of theirs }}")
    async with open_house(tmp_path, persistence, sections=saying(folder)) as house:
        for email, locale in ((ADA, "fr"), ("bob@example.com", "de")):
            said = {"email": email, "locale": locale, "use_html": True}
            await house.caller().say("/email/code", said)
        assert house.app.outbox is not None
        french, german = house.app.outbox.messages
        assert french.subject == "Acme calling"
        code = code_for(house.app, ADA)
        nobody = "Ne communiquez le code à personne\u00a0: nous ne le demandons jamais."
        assert french.text == f"It is {code}.\n{nobody}\n"
        assert "Le code est valable" in (french.html or "")
        assert "<title>Acme calling</title>" in (french.html or "")
        assert german.subject == "Hallo"
        await house.caller().register("cleo@example.com")
        assert house.app.outbox.messages[-1].subject == "Acme calling"


def test_the_layout_of_an_operator_is_around_every_letter(
    persistence: Persistence, folder: Path
) -> None:
    lay(folder, _layout_html="<h1>Acme's own</h1>{% block body %}{% endblock %}")
    own, ours = letters(templates=folder), letters()
    for name in NAMES:
        page = own.write(name, ADA, "es", sample(name, NOW)).html or ""
        body = page.removeprefix("<h1>Acme's own</h1>").strip()
        assert body != page.strip()
        assert body in (ours.write(name, ADA, "es", sample(name, NOW)).html or "")


BROKEN = {
    "a block that is not closed": ("code_txt", "Subject: x\n\n{% if code %}", "code.txt:3: "),
    "a tag that is none": ("code_html", "<p>\n{{ code }}\n{% nonsense %}", "code.html:3: "),
    "a word that is not there": ("code_txt", OWN + "\n{{ kode }}", "code.txt:6: 'kode' is undef"),
    "a word of another letter": ("password_set_html", "{{ code }}", "password_set.html:1: "),
    "a part that is not there": (
        "password_set_txt",
        "Subject: x\n\n{% include '_no.txt' %}",
        "password_set.txt:3: ",
    ),
    "no subject": ("code_txt", "It is {{ code }} {{ link }}", "code.txt:1: begins with no line"),
    "no line after the subject": (
        "password_set_txt",
        "Subject: x\nIt was.",
        "password_set.txt:1: begins with no line",
    ),
    "a subject that is too long": (
        "password_set_txt",
        f"Subject: {'x' * 201}\n\nIt was.",
        "password_set.txt:1: begins with no line",
    ),
    "no code": ("code_html", "<p>Hello</p>", "code.html: does not show the code"),
    "no link": ("code_html", "<p>{{ code }}</p>", "code.html: does not show the link"),
    "a way out of the sandbox": (
        "password_set_html",
        "<p>\n{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "password_set.html:2: ",
    ),
    "a change of what it is given": (
        "password_set_html",
        "{% set all = [] %}{{ all.append(1) }}",
        "password_set.html:1: ",
    ),
    "a sum that fails": ("_layout_html", "<p>\n\n{{ 1 / 0 }}", "_layout.html:3: division by zero"),
    "another's name": ("cod_txt", "It is {{ code }}", "cod.txt: no letter has that name"),
    "an unknown language": ("code.it_txt", GERMAN, "code.it.txt: no letter has that name"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_wrong_with_a_template_is_told_in_one_line(
    tmp_path: Path,
    persistence: Persistence,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    case: str,
) -> None:
    name, text, says = BROKEN[case]
    lay(folder, _foot_txt=FOOT, **{name: text})
    file = write_settings(tmp_path, persistence, sections=saying(folder))
    assert run(["config", "check", "--config", str(file)]) == 1
    told = capsys.readouterr().err
    assert told.startswith(f"identra: {folder}/{says}")
    assert told.count("\n") == 1


def test_a_folder_that_cant_be_read_is_named(
    tmp_path: Path, persistence: Persistence, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write_settings(tmp_path, persistence, sections=saying(folder / "none"))
    assert run(["config", "check", "--config", str(file)]) == 1
    assert f"mail.templates: {folder}/none: No such file" in capsys.readouterr().err
    (folder / "code.txt").write_bytes(b"Subject: x\n\n\xff")
    file = write_settings(tmp_path, persistence, sections=saying(folder))
    assert run(["config", "check", "--config", str(file)]) == 1
    assert f"{folder}/code.txt:3: is not UTF-8" in capsys.readouterr().err


async def test_a_broken_template_stops_the_start_and_every_worker(
    tmp_path: Path, persistence: Persistence, folder: Path
) -> None:
    lay(folder, code_txt="Subject: x\n\n{{ kode }}")
    file = write_settings(tmp_path, persistence, sections=saying(folder))
    with pytest.raises(OperatorError, match=r"code\.txt:3: 'kode' is undefined"):
        await prepare(load(file, {}))
    with pytest.raises(OperatorError, match=r"code\.txt:3: 'kode' is undefined"):
        async with open_house(tmp_path, persistence, sections=saying(folder)):
            pass


@pytest.mark.long
def test_the_service_itself_says_so_before_it_serves_anybody(
    tmp_path: Path, persistence: Persistence, folder: Path
) -> None:
    lay(folder, code_txt="Subject: x\n\n{{ kode }}")
    file = write_settings(tmp_path, persistence, sections=saying(folder) | {"": {"http_port": 0}})
    command = [sys.executable, "-m", "identra", "serve", "--config", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"identra: {folder}/code.txt:3: 'kode' is undefined\n"


def test_a_preview_is_the_letter_as_it_would_leave(
    tmp_path: Path, persistence: Persistence, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "code.de.txt").write_text(GERMAN)
    file = write_settings(tmp_path, persistence, sections=saying(folder, default_locale="ja"))

    def shown(*words: str) -> str:
        assert run(["mail", *words, "--config", str(file)]) == 0
        return capsys.readouterr().out

    assert shown("preview", "code", "--locale", "de") == "Subject: Hallo\n\nEs ist 123456.\n"
    assert "link#code=123456" in shown("preview", "code", "--locale", "de", "--text", "--link")
    assert shown("preview", "code").startswith("Subject: Acme へのサインイン\n\n")
    there = tmp_path / "shown.html"
    assert shown("preview", "code", "--html", "--to", str(there)) == ""
    assert '<html lang="ja">' in there.read_text(encoding="utf-8")
    listed = json.loads(shown("list", "--locale", "de", "--json"))["letters"]
    assert [one["name"] for one in listed] == list(NAMES)
    assert (listed[0]["text"], listed[0]["html"]) == (f"{folder}/code.de.txt", "code.html")
    assert str(folder) not in shown("list")
    assert run(["mail", "preview", "nothing", "--config", str(file)]) == 2
    assert run(["mail", "preview", "code", "--locale", "it", "--config", str(file)]) == 2
