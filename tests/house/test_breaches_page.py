"""The page of breached passwords says of each setting what the plugin reads."""

from __future__ import annotations

import json

import handbook

from identra_pwned import PATIENCE, PREFIX, PwnedSettings
from identra_pwned.ranges import KEPT, ROOM

PAGE = "docs/operate/breaches.md"


def test_every_setting_is_listed_with_its_default() -> None:
    rows = handbook.rows(handbook.read(PAGE), "key")
    told = {handbook.coded(row[0])[0]: json.loads(handbook.coded(row[1])[0]) for row in rows}
    assert told == PwnedSettings().model_dump()


def test_what_leaves_and_what_is_kept_is_what_the_plugin_says() -> None:
    text = " ".join(handbook.read(PAGE).split())
    assert PREFIX == 5
    assert "The first five hex digits" in text
    assert PATIENCE == 1
    assert "within one second" in text
    assert KEPT == 60
    assert "in memory for a minute" in text
    assert f"up to {ROOM} of them in each worker" in text
