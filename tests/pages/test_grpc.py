"""The page on gRPC: its clients are built from the folder `proto` alone and do what it says."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import npm
import pytest
import snippets
from google.protobuf import json_format
from google.protobuf.message_factory import GetMessageClass

from identra.grpc.services import ADMIN, IDENTRA

if TYPE_CHECKING:
    import running

HERE = Path(__file__).parent / "grpc"
PAGE = "docs/integrate/grpc.md"
PLACE = "localhost:50051"
SHELL = "\n".join(snippet.text for snippet in snippets.on_page(PAGE, "sh"))


def lay_out(folder: Path, language: str, service: running.Running) -> None:
    """The page's files beside the folder that they are built from."""
    (folder / "proto").symlink_to(snippets.ROOT / "proto")
    for snippet in snippets.on_page(PAGE, language):
        (folder / snippet.name).write_text(snippet.text.replace(PLACE, service.grpc))


def test_the_python_runs_as_it_stands(service: running.Running, tmp_path: Path) -> None:
    lay_out(tmp_path, "python", service)
    (command,) = (line for line in SHELL.splitlines() if line.startswith("python "))
    subprocess.run([sys.executable, *shlex.split(command)[1:]], cwd=tmp_path, check=True)
    # Where Identra itself is installed, as here, its package would be found before this one.
    (tmp_path / "identra/__init__.py").touch()
    shutil.copy(HERE / "drive.py", tmp_path)
    done = subprocess.run(
        [sys.executable, "-W", "error", "drive.py"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_the_node_runs_as_it_stands(
    service: running.Running, node_modules: Path, tmp_path: Path
) -> None:
    lay_out(tmp_path, "js", service)
    shutil.copy(HERE / "drive.mjs", tmp_path)
    npm.run(node_modules, tmp_path, "drive.mjs")


CALLS = [shlex.split(line) for line in SHELL.splitlines() if line.startswith("grpcurl ")]


@pytest.mark.parametrize("words", CALLS, ids=lambda words: words[-1])
def test_a_call_from_the_shell_names_a_method_and_gives_what_it_takes(words: list[str]) -> None:
    called, _, name = words[-1].partition("/")
    service = {one.full_name: one for one in (IDENTRA, ADMIN)}[called]
    method = service.methods_by_name[name]
    said = words[words.index("-d") + 1] if "-d" in words else "{}"
    json_format.ParseDict(json.loads(said), GetMessageClass(method.input_type)())
    assert words[-2] == PLACE
    assert words[words.index("-proto") + 1] == service.file.name
    assert (snippets.ROOT / "proto" / service.file.name).is_file()


def test_go_is_made_for_every_file_of_the_service() -> None:
    (command,) = (line for line in SHELL.splitlines() if line.startswith("protoc "))
    ours = {
        str(p.relative_to(snippets.ROOT / "proto"))
        for p in (snippets.ROOT / "proto/identra/v1").rglob("*.proto")
    }
    assert set(re.findall(r"M(identra/\S+?\.proto)=", command)) == ours
    assert shlex.split(command)[-1] in ours
