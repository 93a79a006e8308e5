"""The page of the doctor tells every code with its level and remedy, and a test finds each."""

from __future__ import annotations

import handbook
import pytest

from identra.doctor import every_kind, machine, outside
from identra.doctor.database import ENOUGH, FAR, NEAR
from identra.values import DAY, SECOND

PAGE = "docs/operate/doctor.md"
KINDS = every_kind()


def test_every_code_is_told_with_its_level_and_remedy() -> None:
    rows = handbook.rows(handbook.read(PAGE), "code")
    told = {handbook.coded(row[0])[0]: (row[1], row[3]) for row in rows}
    assert told == {kind.code: (kind.level, kind.remedy) for kind in KINDS}
    assert len(rows) == len(KINDS)
    assert all(row[2] for row in rows)


@pytest.mark.parametrize("code", [kind.code for kind in KINDS])
def test_a_test_brings_each_about(code: str) -> None:
    tests = [*(handbook.ROOT / "tests").glob("*/test_doctor*.py")]
    assert any(f'"{code}"' in test.read_text() for test in tests if "house" not in test.parts)


def test_the_numbers_of_the_page_are_those_of_the_code() -> None:
    page = " ".join(handbook.prose(PAGE).split())
    assert f"are {NEAR // SECOND} s apart, or more" in page
    assert f"| {FAR // SECOND} s, or more." in page
    assert f"Less than {ENOUGH >> 20} MiB are free" in page
    assert f"It ends within {outside.SOON // DAY} days." in page
    assert f"fewer than {machine.ENOUGH} files open" in page
