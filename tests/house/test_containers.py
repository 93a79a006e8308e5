"""The image and the compose file, held to the program, without an engine that could run them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from identra.cli import command
from identra.settings import SettingsTree, load

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
OURS = {name: said for name, said in COMPOSE["services"].items() if "build" in said}
START = ROOT / "containers/start"


def _instructions() -> list[tuple[str, str]]:
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in lines)]


LAST = _instructions()[max(i for i, (word, _) in enumerate(_instructions()) if word == "FROM") :]
"""The stage that is kept."""


def _said(word: str) -> list[str]:
    return [rest for said, rest in LAST if said == word]


def _environment() -> dict[str, str]:
    pairs = [pair for said in _said("ENV") for pair in said.split() if "=" in pair]
    return dict(pair.split("=", 1) for pair in pairs)


def test_the_image_is_of_this_version() -> None:
    assert f'image.version="{PROJECT["version"]}"' in " ".join(_said("LABEL"))
    assert {said["image"] for said in OURS.values()} == {f"identra:{PROJECT['version']}"}


def test_the_image_runs_on_a_python_that_the_program_takes() -> None:
    (least,) = re.findall(r">=3\.(\d+)", PROJECT["requires-python"])
    (told,) = re.findall(r"ARG PYTHON=\S+:3\.(\d+)-slim-\w+", (ROOT / "Dockerfile").read_text())
    assert int(told) >= int(least)
    assert {rest.split(" AS ")[0] for word, rest in _instructions() if word == "FROM"} == {
        "${PYTHON}"
    }


def test_nobody_but_itself_and_by_number() -> None:
    (user,) = _said("USER")
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user)
    assert LAST.index(("USER", user)) > max(
        i for i, (word, _) in enumerate(LAST) if word in {"RUN", "COPY"}
    )


def test_what_has_to_outlive_a_container_is_in_its_volume() -> None:
    (volume,), (home,) = _said("VOLUME"), _said("WORKDIR")
    tree = SettingsTree()
    for kept in (tree.persistence.name, *tree.keys.master_key_files):
        assert Path(volume) in (Path(home) / kept).parents
    for said in OURS.values():
        assert [mount.split(":")[1] for mount in said["volumes"]] == [volume]


def test_it_answers_where_its_ports_are() -> None:
    tree = load(ROOT / "configs/identra.toml", {}).tree
    ports = {str(tree.http_port), str(tree.grpc_port)}
    assert set(" ".join(_said("EXPOSE")).split()) == ports
    assert {port.split(":")[-1] for port in OURS["identra"]["ports"]} == ports
    assert all(port.startswith("127.0.0.1:") for port in OURS["identra"]["ports"])
    assert _environment()["IDENTRA_HTTP_HOST"] == _environment()["IDENTRA_GRPC_HOST"] == "0.0.0.0"  # noqa: S104 - inside the container


def test_what_is_copied_is_there_and_not_left_out() -> None:
    allowed = [
        line.removeprefix("!")
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    ]
    copied = [rest for word, rest in _instructions() if word == "COPY" and "--from" not in rest]
    sources = [word for rest in copied for word in rest.split()[:-1] if not word.startswith("--")]
    assert sorted(sources) == sorted(allowed)
    assert all((ROOT / source).exists() for source in sources)
    assert not [word for word, _ in _instructions() if word == "ADD"]


def test_the_wheel_finds_all_that_it_is_built_from() -> None:
    built = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]
    named = [*built["targets"]["wheel"]["packages"], PROJECT["readme"], *PROJECT["license-files"]]
    copied = " ".join(rest for word, rest in _instructions() if word == "COPY").split()
    assert {name.split("/")[0] for name in named} <= set(copied)


@pytest.mark.parametrize("name", sorted(OURS))
def test_compose_says_settings_that_are_accepted(name: str, tmp_path: Path) -> None:
    said = OURS[name]
    secret = tmp_path / "secret"
    secret.write_text("of the database\n")
    mine = {
        key: re.sub(r"^\$\{\w+:-(.*)\}$", r"\1", value)
        for key, value in (_environment() | said["environment"]).items()
        if key.startswith("IDENTRA_")
    }
    files = {key: str(secret) for key, value in mine.items() if value.startswith("/run/secrets/")}
    assert {Path(mine[key]).name for key in files} == set(said["secrets"])
    tree = load(ROOT / "configs/identra.toml", mine | files).tree
    assert tree.persistence.host in COMPOSE["services"]
    assert tree.redis is not None
    assert tree.redis.urls[0].split(":")[0] in COMPOSE["services"]


def test_compose_runs_commands_that_there_are() -> None:
    told = re.findall(r"identra ([a-z ]+?)(?: &&|$)", " ".join(OURS["prepare"]["entrypoint"]))
    assert told == ["migrate", "keys init"]
    for words in [line.split() for line in told] + [OURS["identra"]["command"]]:
        _parse(command, [word for word in words if word.isalpha()])


def _parse(group: click.Command, words: list[str]) -> None:
    for word in words:
        assert isinstance(group, click.Group)
        found = group.get_command(click.Context(group), word)
        assert found is not None, words
        group = found


@pytest.mark.parametrize("name", sorted(COMPOSE["services"]))
def test_a_container_of_compose_gains_nothing(name: str) -> None:
    said = COMPOSE["services"][name]
    assert "no-new-privileges:true" in said["security_opt"]
    assert said["image"].rpartition(":")[2] not in {"", "latest"}
    assert not {"privileged", "network_mode", "pid", "devices"} & said.keys()
    if name in OURS:
        assert said["read_only"] is True
        assert said["cap_drop"] == ["ALL"]
    else:
        assert "ports" not in said
        assert said["networks"] == ["inside"]
    assert not [key for key in said.get("environment", {}) if key.endswith("PASSWORD")]


@pytest.mark.parametrize("how", ["named", "built"])
def test_the_gateway_says_that_one_process_serves_both_and_ends(how: str) -> None:
    words = ["identra-gateway"] if how == "named" else ["serve"]
    said = {"SERVICE": "identra-gateway"} if how == "built" else {}
    done = _start(*words, **said)
    assert (done.returncode, done.stdout) == (0, "")
    (line,) = done.stderr.splitlines()
    assert "one process serves gRPC and REST" in line


def test_any_command_can_be_given() -> None:
    assert _start("--version").stdout == f"identra {PROJECT['version']}\n"
    assert _start("identra-grpc", "--version", SERVICE="identra-grpc").stdout.startswith("identra ")


def test_it_is_not_healthy_where_nothing_answers() -> None:
    assert _start("healthy", IDENTRA_HTTP_PORT="9").returncode != 0


def _start(*words: str, **said: str) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return subprocess.run(
        [START, *words],
        env={"PATH": path, **said},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
