"""The program from a package index, as pip takes it: an index of the test's own."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import plays
import pytest
from desk import Desk
from ground import NET

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from plays import Site

EMAIL = "ada@example.com"
VERSION = "0.1.0"


class _Index(SimpleHTTPRequestHandler):
    """Folders of wheels, listed as links (PEP 503)."""

    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        super().do_GET()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, wheels: Path) -> Path:
    """Of each project a folder, named as the index names it."""
    index, simple = tmp_path_factory.mktemp("index"), tmp_path_factory.mktemp("served") / "simple"
    with tarfile.open(wheels) as packed:
        packed.extractall(index, filter="data")
    words = ["wheel", "--quiet", "--no-deps", "--wheel-dir", str(index), str(plays.ROOT)]
    subprocess.run([sys.executable, "-m", "pip", *words], check=True, stderr=subprocess.DEVNULL)
    for wheel in index.glob("*.whl"):
        project = simple / re.sub(r"[-_.]+", "-", wheel.name.split("-")[0]).lower()
        project.mkdir(parents=True, exist_ok=True)
        wheel.rename(project / wheel.name)
    return simple.parent


@pytest.fixture(scope="module")
def site(
    tmp_path_factory: pytest.TempPathFactory, common: dict[str, Any], folder: Path
) -> Iterator[Site]:
    said = {"identra_public_url": common["identra_public_url"], "identra_source": "index"}
    with plays.opened(tmp_path_factory.mktemp("site"), {"app": ["app1"]}, said) as site:
        asked = _Index.asked = []
        with ThreadingHTTPServer((f"{NET}.1", 0), partial(_Index, directory=folder)) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            where, port = server.server_address[:2]
            said |= {"identra_index_url": f"http://{where}:{port}/simple"}
            said |= {"identra_version": VERSION}
            # An index without TLS is believed by whoever says so on the host itself.
            site.host("app1").run(f"printf '[global]\\ntrusted-host = {where}\\n' >/etc/pip.conf")
            site.played("site")
            assert any("/simple/identra/" in path for path in asked)
            yield site
            server.shutdown()


def test_one_signs_in_by_what_the_index_held(site: Site) -> None:
    desk = Desk(site.host("app1"))
    desk.welcome(EMAIL)
    assert desk.verify(desk.sign_in(EMAIL))["sub"]
    assert VERSION in desk.host.run("readlink /etc/identra/current/release").stdout


def test_a_second_run_changes_nothing(site: Site) -> None:
    assert site.played("site").changed == 0


def test_a_version_that_is_not_there_is_named_and_what_runs_goes_on(site: Site) -> None:
    desk = Desk(site.host("app1"))
    done = site.play("deploy", identra_version="99.0")
    assert "identra_version" in done.refusal, done.said[-2000:]
    assert "nothing was switched" in done.refusal
    assert desk.verify(desk.sign_in(EMAIL))["sub"]
    assert VERSION in desk.host.run("readlink /etc/identra/current/release").stdout
