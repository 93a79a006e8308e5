"""The page about attempts tells every act and every step, with its facts."""

from __future__ import annotations

import ast
import re
from string import Formatter
from typing import get_args

import handbook

from identra.attempts import ration
from identra.attempts.telling import ACTS, STEPS
from identra.housekeeping import ATTEMPTS_KEPT
from identra.trail import Act, StepName
from identra.values import DAY

PAGE = "docs/operate/explain.md"


def test_every_act_is_told() -> None:
    told = {handbook.coded(row[0])[0] for row in handbook.rows(handbook.read(PAGE), "act")}
    assert told == set(get_args(Act)) == set(ACTS)


def test_every_step_that_is_noted_is_told_with_its_facts() -> None:
    rows = handbook.rows(handbook.read(PAGE), "step")
    told = {handbook.coded(row[0])[0]: set(handbook.coded(row[2])) for row in rows}
    noted: dict[str, set[str]] = {}
    for path in sorted((handbook.ROOT / "identra").rglob("*.py")):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and ast.unparse(call.func) == "step" and call.args:
                for name in re.findall(r"'([a-z_.]+)'", ast.unparse(call.args[0])):
                    facts = {keyword.arg for keyword in call.keywords if keyword.arg}
                    noted.setdefault(name, set()).update(facts)
    assert told == noted
    assert set(noted) == set(get_args(StepName)) == set(STEPS)


def test_a_step_in_words_asks_for_facts_that_it_has() -> None:
    rows = handbook.rows(handbook.read(PAGE), "step")
    told = {handbook.coded(row[0])[0]: set(handbook.coded(row[2])) for row in rows}
    for name, words in STEPS.items():
        assert {field for _, field, _, _ in Formatter().parse(words) if field} <= told[name]


def test_the_page_says_how_much_is_kept() -> None:
    page = " ".join(handbook.prose(PAGE).split())
    assert f"removed after {ATTEMPTS_KEPT // DAY} days" in page
    assert f"keeps {ration.EACH} of each network in ten minutes" in page
    assert f"of all networks {ration.BURST} at once and two a second" in page
    assert (ration.WINDOW, ration.RATE) == (600, 2)
