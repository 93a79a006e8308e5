"""The pages lead somewhere: to each other, and to the files that they name."""

from __future__ import annotations

import re
import tomllib

import handbook
import pytest

PAGES = handbook.every()
NAMED = re.compile(r"(?:identra|plugins|tests|docs|configs|bench)/[\w./-]*\w/?")
ELSEWHERE = {"configs/grpc/default.toml"}
"""Where the original service kept its own settings."""
TOOLS = re.compile(r"\bmake ([a-z]+)\b")


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_to_a_page_and_a_heading_of_it(page: str) -> None:
    for link in handbook.links(page):
        if link.startswith("https://"):
            continue
        path, _, anchor = link.partition("#")
        there = ((handbook.ROOT / page).parent / path).resolve() if path else handbook.ROOT / page
        assert there.exists(), link
        if anchor:
            assert anchor in handbook.anchors(str(there.relative_to(handbook.ROOT))), link


@pytest.mark.parametrize("page", PAGES)
def test_every_file_that_is_named_exists(page: str) -> None:
    for word in handbook.coded(handbook.prose(page)):
        if NAMED.fullmatch(word) and word not in ELSEWHERE:
            assert (handbook.ROOT / word).exists(), word


@pytest.mark.parametrize("page", PAGES)
def test_every_target_of_make_that_is_named_exists(page: str) -> None:
    targets = re.findall(r"^([a-z]+):", handbook.read("Makefile"), re.MULTILINE)
    shells = [one.text for one in handbook.on(page) if one.language in {"sh", "console"}]
    for target in TOOLS.findall("\n".join([*handbook.coded(handbook.prose(page)), *shells])):
        assert target in targets


def test_the_table_of_contents_has_every_page() -> None:
    listed = {link.partition("#")[0] for link in handbook.links("docs/README.md")}
    there = {page.removeprefix("docs/") for page in handbook.every("docs")}
    assert there - {"README.md"} <= listed


def test_the_architecture_has_a_place_for_every_module() -> None:
    table = handbook.sections("docs/architecture.md", 2)["The house"]
    placed = [name for row in handbook.rows(table, "part") for name in handbook.coded(row[1])]
    top = (handbook.ROOT / "identra").iterdir()
    modules = {one.stem for one in top if one.suffix == ".py" or (one / "__init__.py").exists()}
    assert sorted(placed) == sorted(modules - {"__init__", "__main__"})


def test_the_changelog_speaks_of_this_version_or_of_what_is_to_come() -> None:
    project = tomllib.loads(handbook.read("pyproject.toml"))["project"]
    headings = handbook.sections("CHANGELOG.md", 2)
    assert "[Unreleased]" in headings or f"[{project['version']}]" in headings
    kinds = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    assert set(handbook.sections("CHANGELOG.md", 3)) <= kinds
