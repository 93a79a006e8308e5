"""Backups of Identra, run by the program's own Python, as the service's user.

identra-backup make CONFIG FOLDER KEPT RECIPIENTS
identra-backup send FOLDER USER@HOST:FOLDER KNOWN_HOSTS
identra-backup keys FOLDER IDENTITY TO
identra-backup load CONFIG FOLDER IDENTITY
identra-backup verify URL FOLDER

A backup is a folder named for its moment: `database.age`, `secrets.age` (master keys, settings and
their secrets) and `backup.json`, which tells what is in them. It has its name only once both were
opened again, and the ring in the one by the master keys in the other. For that, each is encrypted
for a further identity too, which lives in memory and for as long as the making.
"""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import archive
import content
import database
import sending
import verifying

if TYPE_CHECKING:
    from collections.abc import Sequence

    from identra.settings import SettingsTree

FORM = 1
STAMP = "%Y%m%dT%H%M%SZ"


def make(config: str, folder: str, kept: str, recipients: str) -> None:
    """Make one, look into it, and then forget the oldest beyond `kept`."""
    home, work = Path(folder), Path(os.environ["RUNTIME_DIRECTORY"])
    for left in home.glob("*.part"):
        shutil.rmtree(left)
    part = home / f"{time.strftime(STAMP, time.gmtime())}.part"
    part.mkdir(mode=0o700)
    try:
        told = _sealed(_settings(config), part, work, Path(recipients).read_text().split())
    except BaseException:
        shutil.rmtree(part)
        raise
    _keep(part / "backup.json", json.dumps(told, indent=2).encode() + b"\n")
    for settled in (*part.iterdir(), part):
        _settle(settled)
    part.rename(part.with_suffix(""))
    _settle(home)
    for old in sorted(home.glob("*Z"))[: -int(kept)]:
        shutil.rmtree(old)
    print(f"{part.with_suffix('')}: {told['users']} users, opened again and found whole")


def keys(folder: str, identity: str, to: str) -> None:
    """Put the backup's master keys where they belong; over none that is another."""
    _told(Path(folder))
    for name, key in _master_keys(Path(folder), Path(identity)).items():
        there = Path(to) / name
        if not there.exists():
            _keep(there, key)
            print(f"put {there}")
        elif there.read_bytes() != key:
            raise archive.Failed(f"{there} is another master key: move it away")


def load(config: str, folder: str, identity: str) -> None:
    """Fill the empty database."""
    source, work = Path(folder), Path(os.environ["RUNTIME_DIRECTORY"])
    told, place = _told(source), _settings(config).persistence
    if told["driver"] != place.driver:
        raise archive.Failed(
            f"the backup is of {told['driver']}, persistence.driver is {place.driver}: restore it"
            " into its own kind, and use `identra copy` then"
        )
    database.demand_empty(place, work)
    database.load(place, work, source / "database.age", Path(identity))
    print(f"{told['users']} users of {told['made_at']}")


def _sealed(
    tree: SettingsTree, part: Path, work: Path, recipients: Sequence[str]
) -> dict[str, Any]:
    identity = work / "identity"
    mine = subprocess.run(
        ["age-keygen", "--output", str(identity)], check=True, capture_output=True, text=True
    )
    allowed = [*recipients, mine.stderr.split()[-1]]
    place, config = tree.persistence, _packed()
    with tempfile.TemporaryDirectory(dir="/var/tmp") as room:  # of the unit alone, and on the disk
        dump = database.dump(place, work, Path(room))
        sums = {
            "database.age": archive.seal(dump, part / "database.age", allowed),
            "secrets.age": archive.seal([config], part / "secrets.age", allowed),
        }
        for name, was in sums.items():
            if archive.digest(archive.opened(part / name, identity)) != was:
                raise archive.Failed(f"{name}: opened again it is not what was put in")
        found = content.look(place.driver, part / "database.age", identity, Path(room))
    return {
        "form": FORM,
        "made_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "driver": place.driver,
        "users": found.users,
        "kids": _opened_ring(found.keys, part, identity, work),
        "sums": {name: archive.digest(archive.chunks(part / name)) for name in sums},
    }


def _opened_ring(rows: list[dict[str, Any]], part: Path, identity: Path, work: Path) -> list[str]:
    """The published keys, each opened by the master keys that go with the backup."""
    from identra.errors import OperatorError
    from identra.keys.opening import open_ring
    from identra.master import read_files

    there = work / "keys"
    there.mkdir(mode=0o700)
    for name, key in _master_keys(part, identity).items():
        _keep(there / name, key)
    try:
        return sorted(open_ring(rows, read_files(sorted(there.iterdir())), None).verifiers)
    except OperatorError as fault:
        raise archive.Failed(f"the ring in the backup can't be opened: {fault}") from fault
    finally:
        shutil.rmtree(there)


def _packed() -> bytes:
    """Settings, secrets and master keys, as systemd handed them over."""
    packed, given = io.BytesIO(), Path(os.environ["CREDENTIALS_DIRECTORY"])
    with tarfile.open(fileobj=packed, mode="w") as held:
        for file in sorted(given.iterdir()):
            kind, _, name = file.name.partition("_")
            entry = tarfile.TarInfo(f"{kind}/{name}" if name else kind)
            entry.size, entry.mode, entry.mtime = file.stat().st_size, 0o600, int(time.time())
            held.addfile(entry, io.BytesIO(file.read_bytes()))
    return packed.getvalue()


def _settings(config: str) -> SettingsTree:
    """The service's settings, its secrets from the credentials."""
    from identra.errors import OperatorError
    from identra.settings import load as load_settings

    given = Path(os.environ["CREDENTIALS_DIRECTORY"])
    secret = {
        f"IDENTRA_{file.name.partition('_')[2].replace('.', '__').upper()}_FILE": str(file)
        for file in given.glob("secrets_*")
    }
    try:
        return load_settings(Path(config), secret).tree
    except OperatorError as fault:
        raise archive.Failed(str(fault)) from fault


def _master_keys(folder: Path, identity: Path) -> dict[str, bytes]:
    plain = io.BytesIO(b"".join(archive.opened(folder / "secrets.age", identity)))
    with tarfile.open(fileobj=plain) as held:
        found = [(Path(member.name), held.extractfile(member)) for member in held.getmembers()]
        return {
            path.name: inner.read()
            for path, inner in found
            if inner is not None and path.parent == Path("keys")
        }


def _told(folder: Path) -> dict[str, Any]:
    """What the backup says of itself, once its files are those that were found good."""
    told: dict[str, Any] = json.loads((folder / "backup.json").read_bytes())
    if told["form"] != FORM:
        raise archive.Failed(f"{folder}: a backup of form {told['form']}, this is {FORM}")
    for name, was in told["sums"].items():
        if (
            not re.fullmatch(r"\w+\.age", name)
            or archive.digest(archive.chunks(folder / name)) != was
        ):
            raise archive.Failed(f"{folder / name} is not as it was made")
    return told


def _keep(file: Path, data: bytes) -> None:
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(data)


def _settle(path: Path) -> None:
    """Have it outlast a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def main(verb: str = "", *words: str) -> int:
    verbs = {
        "make": make,
        "send": sending.send,
        "keys": keys,
        "load": load,
        "verify": verifying.verify,
    }
    if verb not in verbs:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        verbs[verb](*words)
    except (archive.Failed, OSError) as fault:
        print(f"identra-backup: {fault}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
