"""The reference says what the code says: errors, events, limits, tokens, settings."""

from __future__ import annotations

import ast
import importlib
import json
import re
from dataclasses import is_dataclass
from typing import TYPE_CHECKING, Any, get_args

import handbook
import pytest
from test_configs import section_of

from identra import limits
from identra.acquaintance import LATELY
from identra.errors import every_error
from identra.events import EventName
from identra.keys import Algorithm, new_pair
from identra.sessions.ending import Reason
from identra.settings import SettingsTree, format_duration
from identra.tokens import HEADER_NAMES, Subject, TokenPolicy, make_claims
from identra.values import DAY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REFERENCE = "docs/reference"
UNITS = {"": 1, "s": 1, "KiB": 1024, "MiB": 1024 * 1024}
DOORS = {"http", "grpc", "errors"}


def sources() -> Iterator[tuple[Path, str]]:
    for path in sorted((handbook.ROOT / "identra").rglob("*.py")):
        yield path, path.read_text(encoding="utf-8")


def test_every_reason_is_explained_with_its_code_and_status() -> None:
    rows = handbook.rows(handbook.read(f"{REFERENCE}/errors.md"), "reason")
    told = [(handbook.coded(row[0])[0], int(row[1]), int(row[2])) for row in rows]
    assert sorted(told) == [(e.reason, e.code, e.status) for e in every_error()]
    assert all(cell for row in rows for cell in row)


def test_just_the_reasons_that_nothing_gives_are_called_reserved() -> None:
    section = handbook.sections(f"{REFERENCE}/errors.md", 2).get("Reserved", "")
    reserved = {handbook.coded(row[0])[0] for row in handbook.rows(section, "reason")}
    behind = "\n".join(
        text for path, text in sources() if not DOORS & set(path.relative_to(handbook.ROOT).parts)
    )
    doors = (handbook.ROOT / "identra/http").rglob("*.py")
    at_the_door = "\n".join(
        path.read_text() for path in doors if path.name in {"body.py", "head.py", "errors.py"}
    )
    given = {
        e.reason for e in every_error() if re.search(rf"\b{e.__name__}\b", behind + at_the_door)
    }
    assert reserved == {e.reason for e in every_error()} - given


def test_every_event_that_is_recorded_is_explained_with_its_fields() -> None:
    rows = handbook.rows(handbook.read(f"{REFERENCE}/events.md"), "event")
    told = {handbook.coded(row[0])[0]: set(handbook.coded(row[2])) for row in rows}
    recorded: dict[str, set[str]] = {}
    for _, text in sources():
        for names, fields in _records(ast.parse(text)):
            for name in names:
                recorded.setdefault(name, set()).update(fields)
    assert told == recorded
    assert set(told) <= set(get_args(EventName))


def _records(tree: ast.AST) -> Iterator[tuple[set[str], set[str]]]:
    """Each call of `record`: the events it may name, and the fields it gives."""
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        said = {node.value for node in ast.walk(function) if isinstance(node, ast.Constant)}
        for call in ast.walk(function):
            if not _is_record(call):
                continue
            first = call.args[0]
            here = {first.value} if isinstance(first, ast.Constant) else said
            fields = {keyword.arg for keyword in call.keywords if keyword.arg}
            more = {"peer", "attempt"} if "peer" in fields else set()
            yield here & set(get_args(EventName)), (fields | more) - {"user_id"}


def _is_record(node: ast.AST) -> Any:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "record"
        and node.args
    )


def test_every_reason_that_ends_a_session_is_explained() -> None:
    rows = handbook.rows(handbook.read(f"{REFERENCE}/events.md"), "reason")
    used = "\n".join(text for path, text in sources() if path.name != "ending.py")
    given = {reason for reason in get_args(Reason) if f'"{reason}"' in used}
    assert {handbook.coded(row[0])[0] for row in rows} == given


def test_every_allowance_is_listed_with_its_numbers() -> None:
    rows = handbook.rows(handbook.read(f"{REFERENCE}/limits.md"), "name")
    told = [(handbook.coded(row[0])[0], int(row[1]), handbook.coded(row[2])[0]) for row in rows]
    given = [(one.name, one.most, format_duration(one.window)) for one in limits.EVERY]
    assert sorted(told) == sorted(given)
    text = " ".join(handbook.read(f"{REFERENCE}/limits.md").split())
    assert f"A subject has {limits.IN_ALL} times its allowance" in text
    assert (
        f"waits, from that network or (beyond five times as many) from all: {limits.SECRET.first} s"
        in text
    )
    assert f"up to {limits.SECRET.longest} s." in text
    assert f"logged in within {LATELY // DAY} days" in text
    assert f"**The secret rests** after {limits.IN_A_ROW.most} failures in a row" in text


@pytest.mark.parametrize(
    "row", handbook.rows(handbook.read(f"{REFERENCE}/limits.md"), "bound"), ids=lambda row: row[0]
)
def test_every_bound_is_what_the_code_says(row: list[str]) -> None:
    _, value, where = row
    told = [float(number) * UNITS[unit] for number, unit in _quantities(value)]
    held = _named(handbook.coded(where)[0])
    assert told == list(held if isinstance(held, tuple) else (held,))


def _quantities(text: str) -> list[tuple[str, str]]:
    return [(number, unit) for number, unit in re.findall(r"([0-9.]+)(?: (s|KiB|MiB)\b)?", text)]


def _named(dotted: str) -> Any:
    """What a constant holds: of a module, or a default of a dataclass in one."""
    module, _, name = dotted.rpartition(".")
    try:
        return getattr(importlib.import_module(module), name)
    except ModuleNotFoundError:
        made = _named(module)
        assert is_dataclass(made)
        return getattr(made(), name)


def test_every_claim_and_header_of_an_access_token_is_explained() -> None:
    page = handbook.read(f"{REFERENCE}/tokens.md")
    subject = Subject("user", "session", 0, ("pwd",), "password")
    claims = make_claims(subject, TokenPolicy("identra", 900, "someone"), 0, token_id="id")
    assert {handbook.coded(row[0])[0] for row in handbook.rows(page, "claim")} == set(claims)
    assert {handbook.coded(row[0])[0] for row in handbook.rows(page, "header")} == HEADER_NAMES


def test_every_member_of_a_published_key_is_listed() -> None:
    rows = handbook.rows(handbook.read(f"{REFERENCE}/tokens.md"), "algorithm")
    told = {handbook.coded(row[0])[0]: set(handbook.coded(row[1])) for row in rows}
    assert told == {name: set(json.loads(new_pair(name).public)) for name in get_args(Algorithm)}


def test_just_the_settings_that_no_code_reads_are_called_not_in_use() -> None:
    section = handbook.sections(f"{REFERENCE}/settings.md", 2)["Not in use yet"]
    told, _, _ = section.partition("Of the drivers")
    code = "\n".join(text for path, text in sources() if "settings" not in path.parts)
    assert set(handbook.coded(told)) == set(_unread(code))


def _unread(code: str) -> Iterator[str]:
    for name, field in SettingsTree.model_fields.items():
        section = section_of(field.annotation)
        inner = section.model_fields if section else {}
        if not inner and not re.search(rf"\.{name}\b", code):
            yield name
        for key, said in inner.items():
            if not all(re.search(rf"\.{one}\b", code) for one in (name, key)):
                yield f"{name}.{said.alias or key}"


def test_every_line_of_the_log_is_explained_with_its_level() -> None:
    rows = handbook.rows(handbook.read("docs/operate/logs.md"), "event")
    told = {(handbook.coded(row[0])[0], row[1]) for row in rows}
    written = {said for _, text in sources() for said in _logged(ast.parse(text))}
    # The mailer settles a letter by an outcome that it was handed.
    settled = {("mail delivered", "info"), ("mail failed", "error")}
    assert told == written | settled
    mailer = (handbook.ROOT / "identra/mail/smtp.py").read_text(encoding="utf-8")
    assert all(f'"{outcome}"' in mailer for outcome, _ in settled)


def _logged(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """What a module says to its logger, `log` or made on the spot, and at which level."""
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
            continue
        logger = ast.unparse(call.func.value)
        says = call.args[0] if call.args else None
        if (logger == "log" or "get_logger(" in logger) and isinstance(says, ast.Constant):
            yield says.value, call.func.attr.replace("exception", "error")
