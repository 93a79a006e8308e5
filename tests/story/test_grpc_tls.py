"""gRPC over TLS: the files are the operator's to change, and nobody gets in around them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import grpc
import pytest
import running
from authority import Authority

from identra.grpc.identra.v1 import identra_pb2 as v1

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

METHOD = "/identra.v1.IdentraService/ListOAuthProviders"


@dataclass(frozen=True)
class Guarded:
    """A gRPC door with TLS; `file` holds its certificate and key."""

    place: str
    file: Path
    folder: Path

    async def call(
        self, trusted: Authority | None, shown: Authority | None = None
    ) -> grpc.StatusCode:
        """Call on a new connection; how it ended."""
        options = (("grpc.use_local_subchannel_pool", 1),)
        channel = grpc.aio.insecure_channel(self.place, options)
        if trusted is not None:
            pem = shown.server.read_bytes() if shown else None
            secret = grpc.ssl_channel_credentials(trusted.file.read_bytes(), pem, pem)
            channel = grpc.aio.secure_channel(self.place, secret, options)
        async with channel:
            try:
                await channel.unary_unary(
                    METHOD, response_deserializer=v1.ListOAuthProvidersResponse.FromString
                )(b"", timeout=5)
            except grpc.aio.AioRpcError as error:
                return error.code()
        return grpc.StatusCode.OK


OK, NOBODY = grpc.StatusCode.OK, grpc.StatusCode.UNAVAILABLE


@asynccontextmanager
async def guarded(
    folder: Path, authority: Authority, clients: Authority | None = None
) -> AsyncIterator[Guarded]:
    file = folder / "grpc.pem"
    shutil.copy(authority.server, file)
    extra = f'[grpc]\ntls_cert = "{file}"\ntls_key = "{file}"\n'
    if clients is not None:
        extra += f'client_ca = "{clients.file}"\n'
    async with running.door(folder, extra=extra) as (hall, _), running.rpc_of(hall) as place:
        yield Guarded(place, file, folder)


def authority(folder: Path, name: str) -> Authority:
    (folder / name).mkdir()
    return Authority(folder / name)


async def test_it_is_tls_and_nothing_else(tmp_path: Path) -> None:
    ours, other = authority(tmp_path, "ours"), authority(tmp_path, "other")
    async with guarded(tmp_path, ours) as door:
        assert await door.call(ours) is OK
        assert await door.call(None) is NOBODY
        assert await door.call(other) is NOBODY
        assert await door.call(ours) is OK


async def test_clients_show_a_certificate_where_that_is_asked(tmp_path: Path) -> None:
    ours, clients = authority(tmp_path, "ours"), authority(tmp_path, "clients")
    async with guarded(tmp_path, ours, clients) as door:
        assert await door.call(ours, clients) is OK
        assert await door.call(ours) is NOBODY
        assert await door.call(ours, ours) is NOBODY
        assert await door.call(None) is NOBODY


async def test_a_changed_certificate_is_taken_up_and_a_broken_one_is_not(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ours, next_one = authority(tmp_path, "ours"), authority(tmp_path, "next")
    async with guarded(tmp_path, ours) as door:
        assert await door.call(ours) is OK
        door.file.write_bytes(b"half a certificate")
        assert await door.call(ours) is OK
        door.file.write_bytes(_key(ours) + _certificate(next_one))
        assert await door.call(ours) is OK
        door.file.unlink()
        assert await door.call(ours) is OK
        shutil.copy(next_one.server, door.file)
        assert await door.call(next_one) is OK
        assert await door.call(ours) is NOBODY


def _key(of: Authority) -> bytes:
    return of.server.read_bytes().partition(b"-----BEGIN CERT")[0]


def _certificate(of: Authority) -> bytes:
    return b"".join(of.server.read_bytes().partition(b"-----BEGIN CERT")[1:])


async def test_clients_of_another_authority_follow_its_file(tmp_path: Path) -> None:
    ours, clients = authority(tmp_path, "ours"), authority(tmp_path, "clients")
    later = authority(tmp_path, "later")
    async with guarded(tmp_path, ours, clients) as door:
        assert await door.call(ours, later) is NOBODY
        shutil.copy(later.file, clients.file)
        assert await door.call(ours, later) is OK
        assert await door.call(ours, clients) is NOBODY


@pytest.mark.parametrize(
    ("cert", "key", "ca", "says"),
    [
        ("good.pem", "other.pem", None, "grpc.tls_key: {0}/other.pem is not the key of the first"),
        ("good.pem", "good.pem", "key.pem", "grpc.client_ca: {0}/key.pem holds no PEM of"),
    ],
)
def test_files_that_can_t_be_used_stop_the_start_with_one_line(
    tmp_path: Path, cert: str, key: str, ca: str | None, says: str
) -> None:
    ours, other = authority(tmp_path, "ours"), authority(tmp_path, "other")
    for name, held in {
        "good.pem": ours.server.read_bytes(),
        "other.pem": other.server.read_bytes(),
        "key.pem": _key(ours),
    }.items():
        (tmp_path / name).write_bytes(held)
    extra = f'[grpc]\ntls_cert = "{tmp_path}/{cert}"\ntls_key = "{tmp_path}/{key}"\n'
    extra += f'client_ca = "{tmp_path}/{ca}"\n' if ca else ""
    file = running.write_settings(tmp_path, extra)
    for command in ("serve", "config check"):
        said = refused(file, command)
        assert said.startswith(f"identra: {file}: {says.format(tmp_path)}")
        assert said.count("\n") == 1


def refused(file: Path, command: str = "serve") -> str:
    """What a command says that refuses these settings."""
    done = subprocess.run(
        [sys.executable, "-m", "identra", *command.split(), "--config", str(file)],
        capture_output=True, text=True, timeout=running.PATIENCE, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, "")
    return done.stderr
