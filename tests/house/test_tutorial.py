"""The tutorial for plugin authors, followed to the letter in a clean environment by a stranger."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import sysconfig
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import handbook
import httpx
import pytest
from google.protobuf import json_format
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)
from running import PATIENCE
from standin.acme import Acme
from standin.sites import open_site

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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
RULES = "25 passed"
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
    assert RULES in said
    for path, text in files().items():
        assert (stranger.here / path).exists(), path
        (stranger.here / path).write_text(text)
    settings = next(fence for fence in handbook.on(PAGE) if fence.language == "toml")
    handbook.written(settings, stranger.here)
    start = next(at for at, line in enumerate(typed) if line.startswith("identra serve"))
    said = {line: stranger.type(line) for line in typed[draft:start]}
    assert RULES in said["pytest"]
    checked = next(said[line] for line in said if "plugins check" in line)
    assert "acme 0.1.0: keeps 25 rules" in checked
    listed = next(said[line] for line in said if "plugins list" in line)
    assert re.search(r"^acme .* keeps 25 rules +on$", listed, re.MULTILINE)
    acme = Acme("4f9d2c71", SECRET, SECRET, PERSON)
    with open_site(Far(acme)) as site, serving(stranger, typed[start], site.base_url) as places:
        rest, rpc = typed[start + 1 : start + 3], typed[start + 3 :]
        signed_in(acme, site.base_url, [partial(curl, stranger, places, line) for line in rest])
        signed_in(acme, site.base_url, [partial(grpcurl, places, line) for line in rpc])


@dataclass(frozen=True)
class Places:
    """Where the service answers, for what the page says: HOST:PORT each."""

    rest: str
    rpc: str


@contextmanager
def serving(stranger: Stranger, line: str, base_url: str) -> Iterator[Places]:
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
            rest, rpc = (service.stdout.readline().split()[-1] for _door in range(2))
            yield Places(rest.removeprefix("http://"), rpc)
        finally:
            service.terminate()


def signed_in(acme: Acme, base_url: str, steps: list[Callable[[str, str], dict[str, Any]]]) -> None:
    """Ask where to go, say yes there, and bring back what comes of it."""
    leave, arrive = steps
    url = leave("", "")["url"]
    back = acme.approve(url.replace(base_url, "https://acme.example"))
    answer = arrive(back["code"], back["state"])
    assert (answer["username"], answer["email"]) == ("ada", "ada@example.com")
    assert answer["token"]["access_token"]["token"].count(".") == 2


def curl(stranger: Stranger, places: Places, line: str, code: str, state: str) -> dict[str, Any]:
    """Type a line of the page with the code and the state that came back."""
    assert "localhost:8080" in line
    told = line.replace("localhost:8080", places.rest).replace("curl ", "curl --silent ")
    answer = stranger.type(told.replace("CODE", code).replace("STATE", state))
    said: dict[str, Any] = json.loads(answer)
    return said


def grpcurl(places: Places, line: str, code: str, state: str) -> dict[str, Any]:
    """Do what grpcurl does: ask which methods there are, and call one in JSON."""
    program, plaintext, data, said, place, called = shlex.split(line)
    assert (program, plaintext, data, place) == ("grpcurl", "-plaintext", "-d", "localhost:50051")
    service, _, name = called.partition("/")
    with grpc.insecure_channel(places.rpc) as channel:
        pool = DescriptorPool(ProtoReflectionDescriptorDatabase(channel))
        method = pool.FindServiceByName(service).FindMethodByName(name)
        takes, gives = (GetMessageClass(one) for one in (method.input_type, method.output_type))
        call = channel.unary_unary(
            f"/{called}", takes.SerializeToString, gives.FromString, _registered_method=False
        )
        asked = json.loads(said.replace("CODE", code).replace("STATE", state))
        answer = call(json_format.ParseDict(asked, takes()), timeout=PATIENCE)
    told: dict[str, Any] = json_format.MessageToDict(answer, preserving_proto_field_name=True)
    return told
