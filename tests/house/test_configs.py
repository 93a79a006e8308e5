"""The configuration files load, and the settings' page says every key and its default."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args, get_origin
from urllib.parse import urlsplit

import pytest
from pydantic_core import PydanticUndefined

from identra.settings import SettingsTree, load
from identra.values import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/reference/settings.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `([a-zA-Z0-9_.]+)` \| (-|required|`[^`]*`) \| ", re.MULTILINE)


def section_of(annotation: Any) -> type[Settings] | None:
    for part in (annotation, *get_args(annotation)):
        if isinstance(part, type) and issubclass(part, Settings):
            return part
    return None


def keys(model: type[Settings], under: str = "") -> Iterator[tuple[str, str]]:
    """Every key of the model and its default as the page writes it."""
    required = [f for f in model.model_fields.values() if f.is_required()]
    filled: dict[str, Any] = {
        f.alias or n: "x" for n, f in model.model_fields.items() if f in required
    }
    made = model.model_construct(**filled).model_dump(mode="json", by_alias=True, warnings=False)
    for name, field in model.model_fields.items():
        key = field.alias or name
        inner = section_of(field.annotation)
        if inner is not None:
            named = "NAME." if get_origin(field.annotation) is dict else ""
            yield from keys(inner, f"{under}{key}.{named}")
        elif field.get_default(call_default_factory=True) is PydanticUndefined:
            yield f"{under}{key}", "required"
        else:
            yield f"{under}{key}", written(made[key])


def written(value: Any) -> str:
    if value is None:
        return "-"
    plain = isinstance(value, str) and value
    return f"`{value if plain else json.dumps(value)}`"


def test_the_page_has_every_key_with_its_default_and_no_other() -> None:
    rows = ROW.findall(PAGE)
    assert len(rows) == len(dict(rows))
    assert dict(rows) == dict(keys(SettingsTree))


def test_the_development_file_loads_and_registers_at_once() -> None:
    loaded = load(ROOT / "configs/identra.toml", {}, dev=True)
    assert loaded.warnings == ()
    assert loaded.tree.password.registration == "immediate"
    assert loaded.tree.persistence.driver == "sqlite"
    assert loaded.tree.providers["github"]["redirect_url"]


def test_the_development_file_lets_an_app_call_from_where_github_may_send_people() -> None:
    tree = load(ROOT / "configs/identra.toml", {}, dev=True).tree
    assert tree.cors is not None
    for url in tree.providers["github"]["redirect_urls"]:
        origin = "{0.scheme}://{0.netloc}".format(urlsplit(url))
        assert origin in tree.cors.allowed_origins


def test_the_production_example_loads_and_is_strict(tmp_path: Path) -> None:
    text = (ROOT / "configs/production.example.toml").read_text(encoding="utf-8")
    (tmp_path / "secret").write_text("a secret of this test\n")
    moved = re.sub(r'(password_file) = "[^"]*"', rf'\1 = "{tmp_path}/secret"', text)
    assert moved.count(str(tmp_path)) == 3
    file = tmp_path / "production.toml"
    file.write_text(moved)
    tree = load(file, {}).tree
    assert tree.auth.require_client_binding
    assert tree.auth.bind_requires_reauthentication
    assert tree.password.registration == "verified"
    assert tree.persistence.driver == "postgres"
    assert None not in (tree.redis, tree.smtp_mailer, tree.cors, tree.metrics)


@pytest.mark.parametrize("name", ["identra.toml", "production.example.toml"])
def test_no_file_that_we_publish_holds_a_secret(name: str) -> None:
    text = (ROOT / "configs" / name).read_text(encoding="utf-8")
    assert re.findall(r'^\w*(?:password|secret|token|key) = "[^"]+"', text, re.MULTILINE) == []
