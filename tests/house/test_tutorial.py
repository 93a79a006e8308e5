"""The tutorial for plugin authors, followed to the letter in a clean environment by a stranger."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import handbook
import httpx
import pytest
from running import PATIENCE
from standin.acme import Acme
from standin.sites import open_site

if TYPE_CHECKING:
    from collections.abc import Iterator

    from standin.faults import Fault

PAGE = "docs/extend/tutorial.md"
ROOT = handbook.ROOT
SECRET = "a secret of this test"
PERSON = {
    "id": "u-7",
    "handle": "ada",
    "picture": "https://acme.example/7.png",
    "emails": [{"email": "ada@example.com", "verified": True, "primary": True}],
}
SHIM = '#!/bin/sh\nexec "{python}" -m pip --python "{venv}/bin/python" "$@"\n'
FIRST = ["python3 -m venv .venv", ". .venv/bin/activate"]
"""What makes and enters the environment; the test's own has the packages that pip would fetch."""


@dataclass(frozen=True)
class Far:
    """Acme, at whatever address the service reaches it."""

    acme: Acme

    def fault(self, request: httpx.Request) -> Fault | None:
        del request
        return None

    def answer(self, request: httpx.Request) -> httpx.Response:
        host = "api.acme.example" if request.url.path == "/v1/me" else "acme.example"
        moved = request.url.copy_with(scheme="https", host=host, port=None)
        headers = {"authorization": request.headers.get("authorization", "")}
        return self.acme._answer(
            httpx.Request(request.method, moved, headers=headers, content=request.content)
        )


@dataclass
class Stranger:
    """Somebody at a shell who has read nothing but the page."""

    home: Path
    here: Path
    environment: dict[str, str]

    def type(self, line: str) -> str:
        """Run a line of the page."""
        if line.startswith("cd "):
            self.here /= line.removeprefix("cd ")
            return ""
        done = subprocess.run(
            ["sh", "-c", line],
            cwd=self.here,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=4 * PATIENCE,
            check=False,
        )
        assert done.returncode == 0, f"{line}: {done.stdout}{done.stderr}"
        return done.stdout


@pytest.fixture
def stranger(tmp_path: Path) -> Stranger:
    """An environment with Identra's wheel to be had, and what it and pytest depend on."""
    venv, wheels, needs = tmp_path / ".venv", tmp_path / "wheels", tmp_path / "needs"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    _link_others(needs)
    inside = next((venv / "lib").glob("python*")) / "site-packages"
    (inside / "needs.pth").write_text(f"{needs}\n")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    build = ["wheel", ".", "--no-deps", "--no-index", "--no-build-isolation", "-w", str(wheels)]
    subprocess.run([*pip, *build], cwd=ROOT, check=True)
    shims = tmp_path / "shims"
    shims.mkdir()
    (shims / "pip").write_text(SHIM.format(python=sys.executable, venv=venv))
    (shims / "pytest").write_text(f'#!/bin/sh\nexec "{venv}/bin/python" -m pytest -q "$@"\n')
    for shim in shims.iterdir():
        shim.chmod(0o755)
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("IDENTRA_", "PYTEST_"))}
    offline = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels), "PIP_QUIET": "1"}
    own = {"PATH": f"{shims}:{venv}/bin:{clean['PATH']}", "PIP_NO_BUILD_ISOLATION": "0"}
    return Stranger(tmp_path, tmp_path, clean | offline | own)


def _link_others(folder: Path) -> None:
    """Every installed package but Identra itself."""
    folder.mkdir()
    for path in Path(sysconfig.get_path("purelib")).iterdir():
        if not re.match(r"_*(editable.*)?identra", path.name) and path.suffix != ".pth":
            (folder / path.name).symlink_to(path)


def lines() -> list[str]:
    """What the page tells to type, in its order."""
    shown = [fence for fence in handbook.on(PAGE) if fence.language == "console"]
    return [line.removeprefix("$ ") for fence in shown for line in fence.text.splitlines() if line]


def files() -> dict[str, str]:
    """The files that the page shows, by the path in their first line."""
    shown = [fence.text for fence in handbook.on(PAGE) if fence.language == "python"]
    return {text.partition("\n")[0].removeprefix("# "): text for text in shown}


def test_a_stranger_signs_in_at_a_place_of_her_own_by_the_page_alone(stranger: Stranger) -> None:
    typed = lines()
    assert typed[:2] == FIRST
    draft = typed.index("pytest") + 1
    for line in typed[2:draft]:
        said = stranger.type(line)
    assert "22 passed" in said
    for path, text in files().items():
        assert (stranger.here / path).exists(), path
        (stranger.here / path).write_text(text)
    *rest, serve = typed[draft:]
    settings = next(fence for fence in handbook.on(PAGE) if fence.language == "toml")
    handbook.written(settings, stranger.here)
    said = {line: stranger.type(line) for line in rest}
    assert "22 passed" in said["pytest"]
    checked = next(said[line] for line in rest if "plugins check" in line)
    assert "acme 0.1.0: keeps 22 rules" in checked
    listed = next(said[line] for line in rest if "plugins list" in line)
    assert re.search(r"^acme .* keeps 22 rules +on$", listed, re.MULTILINE)
    acme = Acme("4f9d2c71", SECRET, SECRET, PERSON)
    with open_site(Far(acme)) as site, serving(stranger, serve, site.base_url) as url:
        signed_in(url, acme, site.base_url)


@contextmanager
def serving(stranger: Stranger, line: str, base_url: str) -> Iterator[str]:
    """The service as the page starts it, Acme being elsewhere."""
    more = {
        "IDENTRA_PROVIDERS__ACME__BASE_URL": base_url,
        "IDENTRA_HTTP_PORT": "0",
        "IDENTRA_GRPC_PORT": "0",
    }
    with subprocess.Popen(
        line.split(),
        cwd=stranger.here,
        env=stranger.environment | more,
        stdout=subprocess.PIPE,
        text=True,
    ) as service:
        try:
            assert service.stdout
            yield service.stdout.readline().split()[-1]
        finally:
            service.terminate()


def signed_in(url: str, acme: Acme, base_url: str) -> None:
    asked = httpx.get(f"{url}/oauth/url", params={"provider": "acme"}, timeout=PATIENCE).json()
    back = acme.approve(asked["url"].replace(base_url, "https://acme.example"))
    answer = httpx.post(f"{url}/oauth/login", json=back, timeout=PATIENCE)
    assert answer.status_code == 200, answer.text
    assert (answer.json()["username"], answer.json()["email"]) == ("ada", "ada@example.com")
    bearer = {"Authorization": f"Bearer {answer.json()['token']['access_token']['token']}"}
    info = httpx.post(f"{url}/me/login-info", headers=bearer, timeout=PATIENCE).json()
    assert info["oauth_connections"] == [{"provider": "acme", "provider_user_id": "u-7"}]
