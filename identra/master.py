"""The master keys: files outside the database that seal what the ring keeps inside it."""

from __future__ import annotations

import json
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from jwcrypto.common import JWException
from jwcrypto.jwe import JWE
from jwcrypto.jwk import JWK

from identra.errors import OperatorError
from identra.secret import base64url, digest, from_base64url, token

if TYPE_CHECKING:
    from collections.abc import Sequence

LENGTH: Final = 32
ID_LENGTH: Final = 16
EVERYONE: Final = stat.S_IRWXG | stat.S_IRWXO
MISSING: Final = "no such file; put it back, or before the first start run `identra keys init`"


class MasterKeyError(OperatorError):
    """A master key is missing, malformed, readable by others, or not the one that sealed."""


@dataclass(frozen=True, slots=True)
class MasterKey:
    """256 bits and the id that is written beside all they seal."""

    key_id: str
    jwk: JWK

    def seal(self, plain: str) -> str:
        """A compact JWE (RFC 7516) under this key: `dir`, A256GCM."""
        header = json.dumps({"alg": "dir", "enc": "A256GCM", "kid": self.key_id})
        sealed = JWE(plain.encode(), protected=header)
        sealed.add_recipient(self.jwk)
        return str(sealed.serialize(compact=True))

    def open(self, sealed: str) -> str:
        """What was sealed. Raises MasterKeyError if it was not sealed by this key."""
        box = JWE(algs=["dir", "A256GCM"])
        try:
            box.deserialize(sealed, self.jwk)
        except (JWException, ValueError) as fault:
            raise MasterKeyError(f"master key {self.key_id} does not open the ring") from fault
        return str(box.payload.decode())


@dataclass(frozen=True, slots=True)
class MasterKeys:
    """All configured master keys: the first seals, any opens."""

    keys: tuple[MasterKey, ...]

    @property
    def first(self) -> MasterKey:
        """The one that seals."""
        return self.keys[0]

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of all, in their order."""
        return tuple(key.key_id for key in self.keys)

    def open(self, sealed: str, sealed_by: str) -> str:
        """What was sealed, by whichever configured key did it. Raises MasterKeyError."""
        for key in self.keys:
            if key.key_id == sealed_by:
                return key.open(sealed)
        raise MasterKeyError(
            f"the key ring is sealed by master key {sealed_by}, which no keys.master_key_files "
            "holds; put that file back"
        )


def make_file(path: Path) -> bool:
    """Make a master key file, mode 0600, never over an existing one; whether one was made.

    It is there as a whole or not at all, and lasts. Raises MasterKeyError.
    """
    draft = path.with_name(f".{path.name}.{token(8)}")
    try:
        if path.exists():  # where nothing can be written, too
            return False
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            _write(draft, token(LENGTH) + "\n")
            os.link(draft, path)
        except FileExistsError:
            return False
        finally:
            draft.unlink(missing_ok=True)
        _keep(path.parent)
    except OSError as fault:
        raise MasterKeyError(f"keys.master_key_files: {path}: {fault.strerror}") from fault
    return True


def _write(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _keep(folder: Path) -> None:
    """Have a folder's new entries outlast a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_files(paths: Sequence[Path]) -> MasterKeys:
    """Read every master key. Raises MasterKeyError naming the file that can't be used."""
    return MasterKeys(tuple(_read(path) for path in paths))


def _read(path: Path) -> MasterKey:
    try:
        found = path.stat()
        text = path.read_text(encoding="ascii", errors="replace").strip()
    except FileNotFoundError as fault:
        raise MasterKeyError(f"keys.master_key_files: {path}: {MISSING}") from fault
    except OSError as fault:
        raise MasterKeyError(f"keys.master_key_files: {path}: {fault.strerror}") from fault
    if _is_open_to_others(found, credential=_is_credential(path)):
        raise MasterKeyError(f"keys.master_key_files: {path}: others may read it; chmod 600")
    return _parse(text, path)


def _is_credential(path: Path) -> bool:
    """Whether systemd laid the file out for this service alone."""
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    return folder is not None and path.parent == Path(folder)


def _is_open_to_others(file: os.stat_result, *, credential: bool) -> bool:
    """Whether anybody but its owner, or whoever systemd lets in by name, may read or change it.

    A credential of systemd's is root's, and an access list lets one service's user read it: that
    shows as a right of the group.
    """
    by_name = stat.S_IRGRP if credential and file.st_uid == file.st_gid == 0 else 0
    return bool(file.st_mode & EVERYONE & ~by_name)


def _parse(text: str, path: Path) -> MasterKey:
    try:
        raw = from_base64url(text)
    except ValueError:
        raw = b""
    if len(raw) != LENGTH:
        raise MasterKeyError(f"keys.master_key_files: {path}: holds no 256-bit key")
    return MasterKey(digest("master", text)[:ID_LENGTH], JWK(kty="oct", k=base64url(raw)))
