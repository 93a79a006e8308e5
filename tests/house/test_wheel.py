"""`pip install .` gives the whole house and nothing else, and it serves from any directory."""

from __future__ import annotations

import os
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path
from zipfile import ZipFile

import httpx
import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = {
    "identra": ROOT / "identra",
    **{path.name: path for path in (ROOT / "plugins").glob("identra_*")},
}
PIP = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input"]

PORTS = ("IDENTRA_HTTP_PORT", "IDENTRA_GRPC_PORT")
FROM_WHERE = "import identra.cli; print(identra.__file__, flush=True); identra.cli.main()"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built as `pip install .` builds it, with the backend that is installed here."""
    folder = tmp_path_factory.mktemp("wheel")
    build = ["wheel", ".", "--no-deps", "--no-index", "--no-build-isolation", "-w", str(folder)]
    subprocess.run([*PIP, *build], cwd=ROOT, check=True)
    (made,) = folder.glob("identra-*.whl")
    return made


def _there() -> set[str]:
    """Every file of our packages, as an import names it."""
    return {
        f"{name}/{path.relative_to(folder)}"
        for name, folder in PACKAGES.items()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_it_carries_the_packages_whole_and_nothing_else(wheel: Path) -> None:
    carried = {name for name in ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert carried == _there()
    assert {
        "identra/py.typed",
        "identra/http/reference/index.html",
        "identra/mail/templates/code.html",
        "identra/mail/translations/ja.po",
        "identra_email/__init__.py",
        "identra_github/__init__.py",
        "identra_password/__init__.py",
    } <= carried


def test_it_names_the_command_and_every_plugin(wheel: Path) -> None:
    zipped = ZipFile(wheel)
    (name,) = (it for it in zipped.namelist() if it.endswith(".dist-info/entry_points.txt"))
    points = ConfigParser()
    points.read_string(zipped.read(name).decode())
    assert dict(points["console_scripts"]) == {"identra": "identra.cli:main"}
    assert set(points["identra"].values()) == set(PACKAGES) - {"identra"}


def test_it_serves_from_a_directory_that_holds_nothing(wheel: Path, tmp_path: Path) -> None:
    site, home = tmp_path / "site", tmp_path / "home"
    home.mkdir()
    install = ["install", "--no-deps", "--no-index", "--target", str(site), str(wheel)]
    subprocess.run([*PIP, *install], check=True)
    clean = {k: v for k, v in os.environ.items() if not k.startswith("IDENTRA_")}
    environment = clean | {"PYTHONPATH": str(site)} | dict.fromkeys(PORTS, "0")
    program = [sys.executable, "-c", FROM_WHERE, "serve", "--dev"]
    with subprocess.Popen(
        program, cwd=home, env=environment, stdout=subprocess.PIPE, text=True
    ) as service:
        assert service.stdout
        try:
            assert service.stdout.readline().startswith(str(site))
            url = service.stdout.readline().split()[-1]
            said = {"email": "me@example.com", "password": "correct horse battery"}
            answer = httpx.post(f"{url}/password/register", json=said)
            assert answer.json()["token"]["token_type"] == "Bearer"
            html = {"email": "me@example.com", "use_html": True, "locale": "ja"}
            assert httpx.post(f"{url}/email/code", json=html).status_code == 200
            assert httpx.get(f"{url}/docs").status_code == 200
        finally:
            service.terminate()
    assert {path.name for path in home.iterdir()} == {"data"}
