"""Webhooks are said in a file, in the environment, or with their secrets in files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from standin.receiver import FORMER, FORMER_KEY, KEY, SECRET

from identra.errors import OperatorError
from identra.settings import MASK, SettingsError, load, shown
from identra.webhooks import read_targets

if TYPE_CHECKING:
    from pathlib import Path

    from identra.settings import SettingsTree

URL = "https://app.example/hooks"


def said(folder: Path, text: str, **environ: str) -> SettingsTree:
    file = folder / "identra.toml"
    file.write_text(text)
    return load(file, environ).tree


def test_a_target_is_told_of_everything_unless_it_says_what(tmp_path: Path) -> None:
    tree = said(tmp_path, f'[webhooks.app]\nurl = "{URL}"\nsecrets = ["{SECRET}", "{FORMER}"]\n')
    (target,) = read_targets(tree.webhooks)
    assert (target.name, target.url, target.keys) == ("app", URL, (KEY, FORMER_KEY))
    assert target.grounds == "public"
    assert target.wants("user.created")
    assert target.wants("key.revoked")


@pytest.mark.parametrize("between", ["\n", ",", "\r\n"], ids=["lines", "commas", "CRLF"])
def test_secrets_come_from_a_file(tmp_path: Path, between: str) -> None:
    (tmp_path / "secrets").write_bytes(f"{SECRET}{between}{FORMER}{between}".encode())
    text = f'[webhooks.app]\nurl = "{URL}"\nsecrets_file = "{tmp_path}/secrets"\n'
    assert read_targets(said(tmp_path, text).webhooks)[0].keys == (KEY, FORMER_KEY)


def test_variables_say_a_target_too(tmp_path: Path) -> None:
    (tmp_path / "secrets").write_text(SECRET)
    environ = {
        "IDENTRA_WEBHOOKS__APP__URL": URL,
        "IDENTRA_WEBHOOKS__APP__SECRETS_FILE": f"{tmp_path}/secrets",
        "IDENTRA_WEBHOOKS__APP__EVENTS": "user.*, session.theft",
    }
    (target,) = read_targets(said(tmp_path, "", **environ).webhooks)
    assert (target.url, target.keys) == (URL, (KEY,))
    assert target.events == ("user.*", "session.theft")
    assert target.wants("user.deleted") is True
    assert target.wants("session.revoked") is False


def test_no_secret_of_a_target_is_shown(tmp_path: Path) -> None:
    tree = said(tmp_path, f'[webhooks.app]\nurl = "{URL}"\nsecrets = ["{SECRET}"]\n')
    told = shown(tree)
    assert told["webhooks"]["app"]["secrets"] == [MASK]
    assert told["webhooks"]["app"]["url"] == URL
    (target,) = read_targets(tree.webhooks)
    for text in (json.dumps(told), repr(tree), repr(target), str(tree.webhooks)):
        assert SECRET not in text
        assert SECRET.removeprefix("whsec_") not in text


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("secrets = []", "secrets"),
        (f'secrets = ["{SECRET}", "{SECRET}"]', "named twice"),
        ('secrets = ["whsec_c2hvcnQ="]', "random bytes"),
        (f'secrets = ["{SECRET}"]\nsecret = "x"', "unknown key; did you mean secrets"),
    ],
    ids=["none", "twice", "short", "misspelt"],
)
def test_what_is_wrong_is_told_without_the_secret(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(SettingsError, match=why) as caught:
        said(tmp_path, f'[webhooks.app]\nurl = "{URL}"\n{text}\n')
    assert "webhooks.app" in str(caught.value)
    assert SECRET not in str(caught.value)


def test_a_pattern_that_means_no_event_is_refused(tmp_path: Path) -> None:
    text = f'[webhooks.app]\nurl = "{URL}"\nsecrets = ["{SECRET}"]\nevents = ["user.create"]\n'
    with pytest.raises(OperatorError, match=r"webhooks\.app\.events: there is no event"):
        read_targets(said(tmp_path, text).webhooks)
