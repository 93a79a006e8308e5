"""The certificate of the door and the authorities of its clients, read again when they change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import grpc
import structlog
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

if TYPE_CHECKING:
    from pathlib import Path

    from identra.settings import Grpc

_Marks: TypeAlias = "tuple[tuple[int, int, int] | None, ...]"


class UnusableFile(Exception):
    """A PEM file that can't be used; `key` names its setting."""

    def __init__(self, key: str, says: str) -> None:
        super().__init__(f"{key}: {says}")
        self.key, self.says = key, says


@dataclass(frozen=True, slots=True)
class Pems:
    """The contents of the files."""

    certificate: bytes
    key: bytes
    client_ca: bytes | None


def read(settings: Grpc) -> Pems | None:
    """The files' contents, None where there is no TLS.

    Raises UnusableFile for a file that can't be read or is no PEM of its kind, and for a key that
    is not the certificate's.
    """
    if settings.tls_cert is None or settings.tls_key is None:
        return None
    pems = Pems(
        _contents("grpc.tls_cert", settings.tls_cert),
        _contents("grpc.tls_key", settings.tls_key),
        _contents("grpc.client_ca", settings.client_ca) if settings.client_ca else None,
    )
    _judge(pems, settings)
    return pems


def credentials(settings: Grpc) -> grpc.ServerCredentials | None:
    """What the port is opened with, None where there is no TLS. Raises UnusableFile."""
    before = _marks(settings)
    pems = read(settings)
    if pems is None:
        return None
    news: Any = _Watched(settings, before).news  # the stubs do not know that None is no news
    return grpc.dynamic_ssl_server_credentials(
        _configured(pems), news, require_client_authentication=pems.client_ca is not None
    )


class _Watched:
    """The files by how they looked when they were last read."""

    def __init__(self, settings: Grpc, marks: _Marks) -> None:
        self._settings = settings
        self._marks = marks

    def news(self) -> grpc.ServerCertificateConfiguration | None:
        """What the next handshake goes by where the files have changed; None where they have not.

        Files that can't be used change nothing: the former certificate goes on.
        """
        marks = _marks(self._settings)
        if marks == self._marks:
            return None
        self._marks = marks
        log = structlog.get_logger("identra.grpc")
        try:
            pems = read(self._settings)
        except UnusableFile as fault:
            log.warning("certificate not reloaded", cause=str(fault))
            return None
        log.info("certificate reloaded")
        return None if pems is None else _configured(pems)


def _configured(pems: Pems) -> grpc.ServerCertificateConfiguration:
    return grpc.ssl_server_certificate_configuration(
        [(pems.key, pems.certificate)], root_certificates=pems.client_ca
    )


def _marks(settings: Grpc) -> _Marks:
    files = (settings.tls_cert, settings.tls_key, settings.client_ca)
    return tuple(None if file is None else _mark(file) for file in files)


def _mark(file: Path) -> tuple[int, int, int] | None:
    try:
        seen = file.stat()
    except OSError:
        return None
    return seen.st_ino, seen.st_mtime_ns, seen.st_size


def _contents(key: str, file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise UnusableFile(key, f"{file} can't be read: {error.strerror}") from None


def _judge(pems: Pems, settings: Grpc) -> None:
    certificates = _certificates("grpc.tls_cert", pems.certificate, settings.tls_cert)
    try:
        key = load_pem_private_key(pems.key, None)
    except (ValueError, TypeError):
        says = f"{settings.tls_key} is no PEM of a private key without a passphrase"
        raise UnusableFile("grpc.tls_key", says) from None
    if key.public_key() != certificates[0].public_key():
        says = f"{settings.tls_key} is not the key of the first certificate in {settings.tls_cert}"
        raise UnusableFile("grpc.tls_key", says)
    if pems.client_ca is not None:
        _certificates("grpc.client_ca", pems.client_ca, settings.client_ca)


def _certificates(key: str, pem: bytes, file: Path | None) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(pem)
    except ValueError:
        raise UnusableFile(key, f"{file} holds no PEM of certificates") from None
