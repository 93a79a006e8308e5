"""The database as one stream, by the tools of its own; and back from it into an empty one."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import archive

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from identra.settings import Persistence

ENDED = b"-- Dump completed"
"""The last line of a whole dump of MariaDB's."""


def dump(place: Persistence, work: Path, room: Path) -> Iterator[bytes]:
    """Everything at one moment, beside the running service. Raises Failed.

    Secrets are in `work`, in memory; what may be large is in `room`, on the disk.
    """
    if place.driver == "sqlite":
        return _copy(Path(place.name), room / "copy.db")
    if place.driver == "postgres":
        words = ["pg_dump", "--format=custom", "--no-password", "--table=identra_*", place.name]
        return archive.read(words, env=_postgres(place, work))
    if place.driver == "mysql":
        kept = ["--single-transaction", "--quick", "--complete-insert", "--no-tablespaces"]
        words = ["mariadb-dump", f"--defaults-file={_mysql(place, work)}", *kept, place.name]
        return archive.read([*words, *_tables(place, work)])
    raise archive.Failed(f"{place.driver} is not backed up from here: use its own BACKUP")


def load(place: Persistence, work: Path, file: Path, identity: Path) -> None:
    """Fill the empty database from a sealed dump. Raises Failed."""
    stream = archive.opened(file, identity)
    if place.driver == "sqlite":
        _place(Path(place.name), stream)
    elif place.driver == "postgres":
        kept = ["--no-password", "--no-owner", "--no-privileges", "--exit-on-error"]
        words = ["pg_restore", *kept, "--single-transaction", f"--dbname={place.name}"]
        archive.write(words, stream, env=_postgres(place, work))
    else:
        # Whoever wrote the dump: it is statements for the server, and no orders to this client.
        said = [f"--defaults-file={_mysql(place, work)}", "--loose-sandbox"]
        archive.write(["mariadb", *said, place.name], stream)


def demand_empty(place: Persistence, work: Path) -> None:
    """Raises Failed where there is anything of Identra's already."""
    file = Path(place.name)
    if file.exists() if place.driver == "sqlite" else _tables(place, work):
        raise archive.Failed(
            f"the database {place.name} holds tables of Identra's already: nothing is restored"
            " over them; move it away, or name an empty one"
        )


def _tables(place: Persistence, work: Path) -> list[str]:
    """Identra's tables there; the database may be shared."""
    if place.driver == "postgres":
        words = ["psql", "--no-password", "--no-psqlrc", "--tuples-only", "--no-align"]
        asked = "select tablename from pg_tables where tablename like 'identra\\_%'"
        told = archive.read([*words, "--command", asked, place.name], env=_postgres(place, work))
    else:
        words = ["mariadb", f"--defaults-file={_mysql(place, work)}", "--skip-column-names"]
        told = archive.read(
            [*words, "--batch", "--execute", "show tables like 'identra\\_%'", place.name]
        )
    return sorted(b"".join(told).decode().split())


def _copy(file: Path, to: Path) -> Iterator[bytes]:
    if not file.exists():
        raise archive.Failed(f"{file}: there is no database")
    try:
        with closing(sqlite3.connect(file, timeout=60)) as live:
            live.execute("VACUUM INTO ?", (str(to),))
        yield from archive.chunks(to)
    except sqlite3.Error as fault:
        raise archive.Failed(f"{file}: {fault}") from fault
    finally:
        to.unlink(missing_ok=True)


def _place(file: Path, stream: Iterable[bytes]) -> None:
    draft = file.with_name(f"{file.name}.part")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        for chunk in stream:
            out.write(chunk)
        out.flush()
        os.fsync(out.fileno())
    draft.rename(file)


def _postgres(place: Persistence, work: Path) -> dict[str, str]:
    """The environment that tells PostgreSQL's programs where to; the password is in a file."""
    passwords = work / "pgpass"
    _write_secret(passwords, f"*:*:*:*:{_escaped(_password(place), ':')}\n")
    named = {
        "PGHOST": place.host,
        "PGPORT": str(place.port or 5432),
        "PGUSER": place.user or "identra",
        "PGPASSFILE": str(passwords),
        "PGSSLMODE": place.sslmode,
        "PGCONNECT_TIMEOUT": "10",
    }
    trusted = {"PGSSLROOTCERT": str(place.sslrootcert)} if place.sslrootcert else {}
    return dict(os.environ) | named | trusted


def _mysql(place: Persistence, work: Path) -> Path:
    """The file that tells MariaDB's programs where to, and the password."""
    said = {
        "host": place.host,
        "port": str(place.port or 3306),
        "user": place.user or "identra",
        "password": f'"{_escaped(_password(place), chr(34))}"',
    }
    if place.sslmode == "disable":
        said["skip-ssl"] = ""
    elif place.sslmode.startswith("verify-"):
        said |= {"ssl-verify-server-cert": "", "ssl-ca": str(place.sslrootcert or SYSTEM)}
    elif place.sslmode == "require":
        said["ssl"] = ""
    file = work / "my.cnf"
    lines = [f"{name}={value}" if value else name for name, value in said.items()]
    _write_secret(file, "\n".join(["[client]", *lines, ""]))
    return file


SYSTEM = Path("/etc/ssl/certs/ca-certificates.crt")


def _password(place: Persistence) -> str:
    return place.password.get_secret_value() if place.password else ""


def _escaped(text: str, mark: str) -> str:
    return text.replace("\\", "\\\\").replace(mark, f"\\{mark}")


def _write_secret(file: Path, text: str) -> None:
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(text)
