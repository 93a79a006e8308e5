"""The pages' commands, pasted from top to bottom, answer what the pages show."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import servers
import snippets
from homes import write_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    import running
    from snippets import Snippet
    from standin.sites import Site

    from identra.settings import Persistence

ELSEWHERE = {
    "make run\n": "test_make_run_serves_for_development",
    "make test\nmake lint\n": "test_ci_runs_what_the_page_tells",
    "identra config check\nidentra migrate\nidentra keys init\nidentra serve --workers 2\n": (
        "test_production_starts_as_the_page_tells"
    ),
}
"""Blocks that end in a service, or would run these tests, by the test that runs them."""
PATIENCE = 300
MARK = "- - 8< - -"
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
REFUSED = re.compile(r'"reason":"[A-Z_]+"')
GRPC = "docs/integrate/grpc.md"
"""What it shows for the shell is for test_grpc.py: it takes tools that are not installed."""
PAGES = [page for page in snippets.pages() if snippets.on_page(page, "sh") and page != GRPC]


@pytest.mark.parametrize("page", PAGES)
def test_every_command_answers_what_the_page_shows(
    page: str, start: Callable[..., AbstractContextManager[running.Running]], site: Site
) -> None:
    shown = [pair for pair in _commands(page) if pair[0].text not in ELSEWHERE]
    with start() as service:
        said = _paste([command.at(service.url) for command, _ in shown], service.log.parent)
    assert len(said) == len(shown)
    for (command, answer), output in zip(shown, said, strict=True):
        if answer:
            told = output.replace(site.base_url, "https://github.com")
            _compare(json.loads(answer.text), json.loads(told), str(command))
        else:
            assert not REFUSED.search(output), f"{command}: {output}"


def test_make_run_serves_for_development(tmp_path: Path) -> None:
    venv = Path(sys.prefix)
    command = ["make", "run", f"VENV={venv}", f"--assume-old={venv}/.installed"]
    where = {
        "IDENTRA_HTTP_PORT": "0",
        "IDENTRA_GRPC_PORT": "0",
        "IDENTRA_PERSISTENCE__NAME": f"{tmp_path}/identra.db",
        "IDENTRA_KEYS__MASTER_KEY_FILES": f"{tmp_path}/master.key",
    }
    with _serving(command, snippets.ROOT, where) as url:
        assert httpx.get(f"{url}/dev/outbox").json() == {"messages": []}


def test_production_starts_as_the_page_tells(tmp_path: Path, fresh: Persistence) -> None:
    file = write_settings(tmp_path, fresh, sections={"": {"http_port": 0}})
    (block,) = (text for text in ELSEWHERE if "migrate" in text)
    command = ["bash", "-eu", "-c", block]
    with _serving(command, tmp_path, {"IDENTRA_CONFIG": str(file)}) as url:
        assert httpx.get(f"{url}/readyz").json() == {"status": "ready"}


def test_ci_runs_what_the_page_tells() -> None:
    assert "make lint\nmake test\n" in (snippets.ROOT / ".ci/run").read_text()


def test_every_block_that_runs_elsewhere_stands_on_a_page() -> None:
    assert set(ELSEWHERE) <= {snippet.text for snippet in snippets.every("sh")}
    assert set(ELSEWHERE.values()) <= set(globals())


@pytest.fixture(params=["postgres", "mysql"])
def fresh(request: pytest.FixtureRequest) -> Iterator[Persistence]:
    """A database without any table on each server that the page names."""
    with servers.fresh_database(request.getfixturevalue(f"{request.param}_server")) as place:
        yield place


def _commands(page: str) -> Iterator[tuple[Snippet, Snippet | None]]:
    """Each block of commands, and the JSON that follows it as its answer."""
    blocks: list[Snippet | None] = [*snippets.on_page(page, "sh", "json"), None]
    for block, following in pairwise(blocks):
        if block and block.language == "sh":
            answered = following and following.language == "json"
            yield block, following if answered else None


def _paste(blocks: list[str], folder: Path) -> list[str]:
    """What each block prints, all of them in one shell, with `identra` and its settings at hand."""
    script = "".join(f"{block}\nprintf '\\n%s\\n' '{MARK}'\n" for block in blocks)
    done = subprocess.run(
        ["bash", "-eu", "-o", "pipefail", "-c", script],
        cwd=folder,
        env=_environment({"IDENTRA_CONFIG": str(folder / "identra.toml")}),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.split(f"\n{MARK}\n")[:-1]


def _compare(shown: Any, said: Any, where: str) -> None:
    """The same fields and kinds; what the page says in full is the same to the letter."""
    assert type(shown) is type(said), where
    if isinstance(shown, dict):
        assert shown.keys() == said.keys(), where
        for name in shown:
            _compare(shown[name], said[name], f"{where} {name}")
    elif isinstance(shown, list):
        assert len(shown) == len(said), where
        for one, other in zip(shown, said, strict=True):
            _compare(one, other, where)
    elif isinstance(shown, str):
        _compare_text(shown, said, where)
    elif not (isinstance(shown, int) and shown > 1_000_000_000):  # an instant is never the same
        assert shown == said, where


def _compare_text(shown: str, said: str, where: str) -> None:
    if UUID.fullmatch(shown):
        assert UUID.fullmatch(said), where
    elif "…" in shown:
        assert said.startswith(shown.partition("…")[0]), where
    else:
        assert shown == said, where


@contextmanager
def _serving(command: list[str], folder: Path, more: dict[str, str]) -> Iterator[str]:
    """The URL of a service that a command ends in; everything it started ends with the block."""
    with subprocess.Popen(
        command,
        cwd=folder,
        env=_environment(more),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout
        said: list[str] = []
        try:
            for line in process.stdout:
                said.append(line)
                if line.startswith("Identra is ready at "):
                    break
            else:
                pytest.fail("".join(said))
            yield said[-1].split()[-1]
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)


def _environment(more: dict[str, str]) -> dict[str, str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith("IDENTRA_")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return clean | {"PATH": path} | more
