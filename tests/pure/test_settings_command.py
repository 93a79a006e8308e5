"""`identra config` and the command line's manners: exit codes, one plain line, a quick start."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tomllib
from typing import TYPE_CHECKING

import pytest

from identra.cli import COMMANDS, run
from identra.settings import SettingsTree, load, shown

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "identra.toml"
    file.write_text(
        'jwt_secret = "x"\nhttp_port = 8081\n[providers.x1]\n"odd key" = "a\\"\\u007f\\u00e9"\n'
        "when = 2020-01-01\nmany = [{ a = 1 }, 2.5, true]\n[providers.x1.inner]\na = 1"
    )
    return file


def test_check_says_ok_and_names_the_file(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text('jwt_secret = "x"\n[providers.github]\nclient_id = "x"')
    assert run(["config", "check", "--config", str(file)]) == 0
    printed = capsys.readouterr()
    assert printed.out == f"ok: {file}\n"
    assert printed.err.startswith(f"warning: {file}: jwt_secret is accepted and unused")


def test_check_refuses_with_one_line_and_exit_1(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text("http_prt = 1")
    assert run(["config", "check", "--config", str(file)]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == f"identra: {file}: http_prt: unknown key; did you mean http_port?\n"


MAIL = "host = 'mail.example.com'\nfrom = 'a@example.com'\nusername = 'u'\npassword = 'p'"


@pytest.mark.parametrize(
    ("said", "named"),
    [
        ("[providers.github]\nclient_idd = 'x'", "providers.github.client_idd"),
        ("[providers.github]\nclient_secret_file = '/no/such'", "github.client_secret_file"),
        ("[providers.nobody]\nclient_id = 'x'", "providers.nobody"),
        ("[plugins]\nenabled = ['nobody']", "plugins.enabled"),
        (f"[smtp_mailer]\n{MAIL}\ntls = 'none'", "smtp_mailer"),
    ],
)
def test_check_refuses_whatever_would_stop_the_start(
    file: Path, capsys: pytest.CaptureFixture[str], said: str, named: str
) -> None:
    file.write_text(said)
    assert run(["config", "check", "--config", str(file)]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert named in printed.err


def test_wrong_usage_is_exit_2() -> None:
    assert run(["config", "chek"]) == 2
    assert run(["no-such-command"]) == 2
    assert run(["config", "show", "--no-such-option"]) == 2


def test_what_is_shown_is_toml_of_the_settings_in_effect(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["config", "show", "--config", str(file)]) == 0
    written = tomllib.loads(capsys.readouterr().out)
    assert written == shown(load(file, {}).tree)


def test_the_shown_defaults_load_as_the_defaults(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text("")
    assert run(["config", "show", "--config", str(file)]) == 0
    file.write_text(capsys.readouterr().out)
    assert load(file, {}).tree == SettingsTree()


def test_show_as_json_says_the_same(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["config", "show", "--json", "--config", str(file)]) == 0
    assert json.loads(capsys.readouterr().out)["http_port"] == 8081


def test_a_new_secret_has_256_bits_and_its_digest(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["config", "new-secret", "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert len(made["secret"]) == 43
    assert made["sha256"] == hashlib.sha256(made["secret"].encode()).hexdigest()


def test_help_names_every_command_and_imports_none() -> None:
    script = (
        "import sys; from identra.cli import run; code = run(['--help']);"
        "heavy = {'sanic', 'piccolo', 'jwcrypto', 'pydantic', 'grpc', 'httpx'} & set(sys.modules);"
        "sys.exit(code or ' '.join(heavy) or None)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert all(f"\n  {name} " in done.stdout for name in COMMANDS)


def test_the_module_runs_as_the_command(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "identra", "config", "check", "--config", "none.toml"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 1
    assert done.stderr == "identra: none.toml: can't be read: No such file or directory\n"
