"""Writes docs/reference/ansible.md: every role's variables, as their argument_specs.yml say."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import yaml

ROLES = Path(__file__).parent / "roles"
PAGE = Path(__file__).parents[1] / "docs/reference/ansible.md"
HEAD = """# Variables of the roles

Of the collection for [plain hosts](../../ansible/README.md), role by role. `make variables` writes
this page from what the roles check their variables by; one that they do not know is refused.
"""
MARK = re.compile(r"\b[VOCIB]\(([^()]*(?:\([^()]*\)[^()]*)*)\)")


def page() -> str:
    """The page, as it is to be."""
    files = sorted(ROLES.glob("*/meta/argument_specs.yml"), key=_order)
    return "\n".join([HEAD, *(_role(file.parts[-3], _spec(file)) for file in files)])


def _order(file: Path) -> tuple[bool, str]:
    """The service first."""
    return file.parts[-3] != "identra", file.parts[-3]


def _spec(file: Path) -> dict[str, Any]:
    said: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    main: dict[str, Any] = said["argument_specs"]["main"]
    return main


def _role(name: str, spec: dict[str, Any]) -> str:
    rows = [_row(option, said) for option, said in spec["options"].items()]
    table = ["| variable | type | default | meaning |", "| --- | --- | --- | --- |", *rows]
    return "\n".join([f"## {name}", "", _text(spec["description"]), "", *table, ""])


def _row(option: str, said: dict[str, Any]) -> str:
    kind = f"list of {said['elements']}" if said["type"] == "list" else said["type"]
    words = [_text(said["description"])]
    if "choices" in said:
        words.append(f"One of {', '.join(f'`{choice}`' for choice in said['choices'])}.")
    if said.get("no_log"):
        words.append("Secret.")
    return f"| `{option}` | {kind} | {_default(said)} | {' '.join(words)} |"


def _default(said: dict[str, Any]) -> str:
    if said.get("required"):
        return "required"
    value = said.get("default")
    if value in ("", None):
        return "-"
    return f"`{value if isinstance(value, str) else json.dumps(value)}`".replace("|", "\\|")


def _text(said: str | list[str]) -> str:
    """A description in Markdown."""
    text = " ".join([said] if isinstance(said, str) else said)
    return MARK.sub(r"`\1`", " ".join(text.split())).replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
