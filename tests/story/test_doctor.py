"""The doctor tells what is wrong with an installation, and never a secret."""

from __future__ import annotations

import asyncio
import json
import re
from importlib.metadata import distribution
from typing import TYPE_CHECKING

import httpx
import pytest
import servers
from examined import found_in, found_with
from homes import Sections, write_settings
from standin.sites import open_site

from identra.app import prepare
from identra.cli import run
from identra.doctor import every_kind, machine, mail, outside, settings
from identra.loader import Failure
from identra.mail.rehearsal import Rehearsed
from identra.settings import Password, Persistence, SettingsTree, load
from identra.settings.sections import SmtpMailer

if TYPE_CHECKING:
    from pathlib import Path

    from standin.faults import Fault

    from identra.doctor import Finding, Kind

SECRET = "s3cret-0f-this-test"


@pytest.fixture
def sqlite(tmp_path: Path) -> Persistence:
    return Persistence(driver="sqlite", name=str(tmp_path / "identra.db"))


def codes(found: list[Finding]) -> list[str]:
    return [finding.code for finding in found]


def examined(
    capsys: pytest.CaptureFixture[str], file: Path, *words: str
) -> tuple[int, dict[str, dict[str, str]]]:
    """The exit code, and each finding by its code."""
    done = run(["doctor", "--json", "--config", str(file), *words])
    listed = json.loads(capsys.readouterr().out)["findings"]
    return done, {one["code"]: one for one in listed}


def test_a_new_installation_has_no_error(
    tmp_path: Path, sqlite: Persistence, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write_settings(tmp_path, sqlite)
    done, found = examined(capsys, file)
    assert done == 0
    assert {"SETTINGS_ACCEPTED", "DATABASE_NEW", "MASTER_KEY_NEW", "HASH_RATE"} <= set(found)
    assert list(tmp_path.iterdir()) == [file], "nothing was made"
    assert run(["doctor", "--config", str(file)]) == 0
    page = capsys.readouterr().out
    assert re.search(r"^warning  MAIL_ABSENT: .+\n +Set \[smtp_mailer\]", page, re.MULTILINE)


def test_a_plugin_that_was_left_out_is_named(tmp_path: Path, sqlite: Persistence) -> None:
    left_out = Failure("acme", "acme", "acme 1.0", "1.0", "its settings lack a client_id")
    found = list(settings.judge(load(write_settings(tmp_path, sqlite), {}), [left_out]))
    assert found[-1].code == "PLUGIN_LEFT_OUT"
    assert found[-1].cause == "acme: its settings lack a client_id"


async def test_one_in_order_says_so(tmp_path: Path, sqlite: Persistence) -> None:
    file = write_settings(tmp_path, sqlite)
    await prepare(load(file, {}))
    found = await found_in(file, "database", "ring")
    assert list(found) == ["DATABASE_READY", "RING_READY"]
    assert "RS256 key" in found["RING_READY"]


def test_settings_that_are_refused_end_the_examination(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "identra.toml"
    file.write_text("htp_port = 1\n")
    done, found = examined(capsys, file)
    assert (done, list(found)) == (1, ["SETTINGS_REFUSED"])
    assert "htp_port" in found["SETTINGS_REFUSED"]["cause"]


def test_settings_that_leave_something_open(
    tmp_path: Path, sqlite: Persistence, capsys: pytest.CaptureFixture[str]
) -> None:
    sections: Sections = {
        "": {"public_url": "http://id.example.com"},
        "auth": {"jwt_secret": SECRET},
        "password": {"registration": "immediate"},
        "grpc": {"tls_cert": str(tmp_path / "none.pem"), "tls_key": str(tmp_path / "none.pem")},
    }
    done, found = examined(capsys, write_settings(tmp_path, sqlite, sections=sections))
    assert done == 1
    expected = {
        "SETTINGS_WARNING": "warning",
        "REGISTRATION_IMMEDIATE": "warning",
        "CLIENTS_UNBOUND": "note",
        "PUBLIC_URL_PLAIN": "error",
        "GRPC_CERTIFICATE_REFUSED": "error",
    }
    assert {code: found[code]["level"] for code in expected} == expected
    local = load(write_settings(tmp_path, sqlite), {})
    assert "PUBLIC_URL_LOCAL" in codes(list(settings.judge(local, [])))


def test_a_master_key_that_others_can_read_or_replace(tmp_path: Path, sqlite: Persistence) -> None:
    def ring() -> dict[str, str]:
        return asyncio.run(found_with(tmp_path, sqlite, "database", "ring"))

    asyncio.run(prepare(load(write_settings(tmp_path, sqlite), {})))
    key = tmp_path / "master.key"
    key.chmod(0o644)
    tmp_path.chmod(0o777)
    found = ring()
    assert "chmod 600" in found["MASTER_KEY_REFUSED"]
    assert str(tmp_path) in found["MASTER_KEY_FOLDER"]
    key.chmod(0o600)
    tmp_path.chmod(0o700)
    assert list(ring()) == ["DATABASE_READY", "RING_READY"]
    key.unlink()
    assert "no such file" in ring()["MASTER_KEY_REFUSED"], "none is made beside a ring"


def test_no_secret_is_told_whatever_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    away = servers.free_port()
    sections: Sections = {
        "persistence": {"password": f"db-{SECRET}"},
        "redis": {"urls": [f"127.0.0.1:{away}"], "password": f"redis-{SECRET}"},
        "smtp_mailer": {
            "host": "127.0.0.1",
            "port": away,
            "username": "ada",
            "password": f"mail-{SECRET}",
            "from": "ada@example.com",
        },
        "providers.github": {
            "client_id": "Iv1.8a61f9b3a7aba766",
            "client_secret": f"github-{SECRET}",
            "redirect_url": "http://localhost:3000/callback",
            "base_url": f"http://127.0.0.1:{away}",
            "api_url": f"http://127.0.0.1:{away}/api/v3",
        },
    }
    place = Persistence(driver="postgres", name="x", host="127.0.0.1", port=away, user="ada")
    file = write_settings(tmp_path, place, sections=sections)
    (tmp_path / "master.key").write_text(SECRET)
    for words in (["--json"], ["--url", f"http://127.0.0.1:{away}"]):
        assert run(["doctor", "--config", str(file), *words]) == 1
        said = capsys.readouterr()
        assert SECRET not in said.out + said.err
        assert "MASTER_KEY_REFUSED" in said.out


@pytest.mark.parametrize(
    "words", [["--url", "id.example.com"], ["--mail-to", "nobody"]], ids=" ".join
)
def test_what_can_not_be_asked_is_wrong_usage(words: list[str]) -> None:
    assert run(["doctor", *words]) == 2


def test_the_build_of_argon2_is_told_by_its_own_tag() -> None:
    """A wheel for every Linux is tagged manylinux; what is built here is not."""
    seen = machine.look(Password())
    told = distribution("argon2-cffi-bindings").read_text("WHEEL") or ""
    assert seen.published is ("Tag: " in told and "-linux_" not in told)
    assert seen.rate > 0.1
    native = machine.Seen(40.0, 2, ("cp311-cp311-linux_x86_64",), 65_536)
    assert codes(list(machine.judge(native))) == ["HASH_RATE"]
    wheel = machine.Seen(0.5, 2, ("cp310-abi3-manylinux_2_28_x86_64",), 256)
    assert codes(list(machine.judge(wheel))) == [
        "HASH_SLOW",
        "HASH_PUBLISHED_BUILD",
        "DESCRIPTORS_FEW",
    ]


def test_codes_that_travel_in_clear_to_another_machine() -> None:
    said = SmtpMailer(host="mail.example.com", tls="none", **{"from": "a@example.com"})  # type: ignore[arg-type]
    tree = SettingsTree(smtp_mailer=said)
    found = list(mail.judge(tree, Rehearsed(("connect", "sender"))))
    assert codes(found) == ["MAIL_UNENCRYPTED", "MAIL_READY"]


def test_a_template_that_no_letter_can_be_written_on(
    tmp_path: Path, sqlite: Persistence, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "letters"
    folder.mkdir()
    (folder / "code.txt").write_text("Subject: x\n\n{{ kode }}")
    said: Sections = {"mail": {"templates": str(folder)}}
    done, found = examined(capsys, write_settings(tmp_path, sqlite, sections=said))
    assert done == 1
    assert found["MAIL_TEMPLATE_REFUSED"]["cause"] == f"{folder}/code.txt:3: 'kode' is undefined"
    assert "MAIL_ABSENT" in found


class Elsewhere:
    """Something that answers every call alike."""

    def __init__(self, status: int, said: object) -> None:
        self._status, self._said = status, said

    def fault(self, _request: httpx.Request) -> Fault | None:
        return None

    def answer(self, _request: httpx.Request) -> httpx.Response:
        return httpx.Response(self._status, json=self._said)


@pytest.mark.parametrize(
    ("status", "said", "code"),
    [
        (200, {"status": "ready"}, "URL_READY"),
        (200, {"status": "ready", "degraded": ["redis"]}, "URL_DEGRADED"),
        (503, {"degraded": ["database"]}, "URL_NOT_READY"),
        (200, ["a page"], "URL_UNREACHED"),
    ],
)
async def test_what_readyz_says_is_told(
    tmp_path: Path, sqlite: Persistence, status: int, said: object, code: str
) -> None:
    with open_site(Elsewhere(status, said)) as site:
        found = await found_with(tmp_path, sqlite, "outside", url=site.base_url)
    assert list(found) == [code]


def test_a_call_that_the_service_did_not_keep_is_said_to_be_unseen() -> None:
    assert outside.judge_chain(None).code == "PROXY_UNSEEN"


def test_every_kind_has_a_code_of_its_own_and_a_remedy_unless_all_is_well() -> None:
    kinds: tuple[Kind, ...] = every_kind()
    assert len({kind.code for kind in kinds}) == len(kinds)
    for kind in kinds:
        assert re.fullmatch(r"[A-Z]+(_[A-Z]+)*", kind.code)
        assert bool(kind.remedy) is (kind.level != "ok")
