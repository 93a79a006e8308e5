"""The settings that the role for plain hosts gives a Redis, read by a real one."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import jinja2
import pytest
from redis import AuthenticationError, Redis
from redises import redis_machine

TEMPLATE = Path(__file__).parents[2] / "ansible/roles/redis/templates/identra.conf.j2"
PASSWORD = "a\"b'c\\d#e$f{g}h%%i"
"""Whatever a Redis would read otherwise, were it not quoted."""


def test_any_password_is_the_one_that_is_taken() -> None:
    said = {"redis_listen": ["127.0.0.1"], "redis_maxmemory": "64mb", "redis_password": PASSWORD}
    with TemporaryDirectory() as folder:
        file = Path(folder, "identra.conf")
        file.write_text(jinja2.Template(TEMPLATE.read_text()).render(said))
        Path(folder).chmod(0o755)
        file.chmod(0o644)
        with redis_machine("--include", str(file)) as (place, machine), machine.up():
            port = int(place.urls[0].split(":")[1])
            with Redis(port=port, password=PASSWORD) as client:
                assert client.config_get("maxmemory-policy")["maxmemory-policy"] == "noeviction"
            with Redis(port=port) as stranger, pytest.raises(AuthenticationError):
                stranger.ping()
