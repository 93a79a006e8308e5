"""The page on keys, done from top to bottom on a running service whose people notice nothing."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import running
import snippets

from identra.master import read_files

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = "docs/KEY_ROTATION.md"
ADA = {"email": "ada@example.com", "password": "correct horse battery staple"}
SETTINGS = """
http_port = 0
grpc_port = 0
[persistence]
name = "{folder}/identra.db"
[password]
registration = "immediate"
[keys]
master_key_files = ["/etc/identra/master.key"]
"""


class Node:
    """A node whose /etc/identra is a folder of this test's."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "identra.toml"
        self.file.write_text(self._here(SETTINGS.format(folder=folder)))
        self._standing = ExitStack()
        self.url = ""

    def restart(self) -> None:
        self._standing.close()
        self.url = self._standing.enter_context(running.started(self.file)).url

    def stop(self) -> None:
        self._standing.close()

    def set(self, block: str) -> None:
        """Put the page's line in the place of ours, and restart."""
        (line,) = re.findall(r"^master_key_files = .*$", self._here(block), re.MULTILINE)
        kept = re.sub(r"^master_key_files = .*$", line, self.file.read_text(), flags=re.MULTILINE)
        self.file.write_text(kept)
        self.restart()

    def run(self, block: str) -> str:
        """Paste a block of commands; what it prints."""
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        done = subprocess.run(
            ["bash", "-eu", "-o", "pipefail", "-c", self._here(block)],
            env={"PATH": path, "IDENTRA_CONFIG": str(self.file)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, f"{block}{done.stderr}"
        return done.stdout

    def ring(self) -> list[dict[str, Any]]:
        keys: list[dict[str, Any]] = json.loads(self.run("identra keys list --json"))["keys"]
        return keys

    def withdraw(self) -> None:
        """Take back the key that an earlier procedure published: only one waits at a time."""
        (waiting,) = (key["kid"] for key in self.ring() if key["state"] == "passive")
        self.run(f"identra keys retire {waiting}")

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = httpx.post(f"{self.url}{path}", json=body)
        assert answer.is_success, answer.text
        pair: dict[str, Any] = answer.json()["token"]
        return pair

    def _here(self, text: str) -> str:
        return text.replace("/etc/identra", str(self.folder))


def steps() -> Iterator[tuple[str, str]]:
    for block in snippets.on_page(PAGE, "sh", "toml"):
        yield block.language, block.text


def test_every_procedure_on_the_page_does_what_it_says(tmp_path: Path) -> None:
    node = Node(tmp_path)
    node.run("identra keys init")
    node.restart()
    try:
        pair = node.post("/password/register", ADA)
        said = {}
        for language, block in steps():
            if language == "toml":
                node.set(block)
                continue
            if "keys add" in block:
                node.withdraw()
            if "revoke" in block:
                node.post("/password/login", ADA)
            said[block] = node.run(block)
            if "--end-sessions" in block:
                assert "ended 2 sessions" in said[block]
                pair = node.post("/password/login", ADA)
            pair = node.post("/token/refresh", {"refresh_token": pair["refresh_token"]["token"]})
        _compare(node, "".join(said.values()))
    finally:
        node.stop()


def _compare(node: Node, said: str) -> None:
    """What the procedures left behind, and what they printed."""
    (sealed_by,) = {key["sealed_by"] for key in node.ring()}
    assert sealed_by == read_files([node.folder / "new.key"]).first.key_id
    assert len([key for key in node.ring() if key["state"] == "revoked"]) == 1
    for words in ("nothing was due", "published ", "made ", "revoked ", "resealed "):
        assert words in said
