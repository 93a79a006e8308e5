"""Encrypted files: what is sealed and how it is opened again, by age, never whole in memory."""

from __future__ import annotations

import hashlib
import subprocess
import tempfile
from contextlib import ExitStack, suppress
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

CHUNK = 1 << 16


class Failed(Exception):
    """A backup can't be made or used; the text is for the operator, and holds no secret."""


def seal(source: Iterable[bytes], to: Path, recipients: Sequence[str]) -> str:
    """Encrypt what comes, for any of the recipients; answers the digest of what came."""
    seen = hashlib.sha256()

    def watched() -> Iterator[bytes]:
        for chunk in source:
            seen.update(chunk)
            yield chunk

    named = [word for one in recipients for word in ("--recipient", one)]
    write(["age", "--encrypt", "--output", str(to), *named], watched())
    return seen.hexdigest()


def opened(file: Path, identity: Path, *then: Sequence[str]) -> Iterator[bytes]:
    """What was sealed, or what a program makes of it.

    Raises Failed where the identity is another's, or the file was changed.
    """
    return read(["age", "--decrypt", "--identity", str(identity), str(file)], *then)


def digest(source: Iterable[bytes]) -> str:
    seen = hashlib.sha256()
    for chunk in source:
        seen.update(chunk)
    return seen.hexdigest()


def chunks(file: Path) -> Iterator[bytes]:
    with file.open("rb") as opened_file:
        while chunk := opened_file.read(CHUNK):
            yield chunk


def read(*programs: Sequence[str], env: Mapping[str, str] | None = None) -> Iterator[bytes]:
    """What the last of these programs writes, each reading what the one before it writes.

    Raises Failed, with its last words, if one fails.
    """
    with ExitStack() as stack:
        said = stack.enter_context(tempfile.TemporaryFile())
        run: list[subprocess.Popen[bytes]] = []
        for words in programs:
            before = run[-1].stdout if run else subprocess.DEVNULL
            program = subprocess.Popen(
                words, stdin=before, stdout=subprocess.PIPE, stderr=said, env=env
            )
            run.append(stack.enter_context(program))
            if len(run) > 1:
                _out(run[-2]).close()  # so that it hears of the end of its reader
        while chunk := _out(run[-1]).read(CHUNK):
            yield chunk
        for words, program in zip(programs, run, strict=True):
            _demand(words[0], program.wait(), said)


def write(
    words: Sequence[str], source: Iterable[bytes], env: Mapping[str, str] | None = None
) -> None:
    """Hand a program what comes. Raises Failed, with its last words, if it fails."""
    with (
        tempfile.TemporaryFile() as said,
        subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=said, env=env
        ) as program,
    ):
        assert program.stdin is not None
        try:
            for chunk in source:
                program.stdin.write(chunk)
        except BrokenPipeError:
            pass  # it ended before; its last words say why
        except BaseException:
            program.kill()
            raise
        with suppress(BrokenPipeError):
            program.stdin.close()
        _demand(words[0], program.wait(), said)


def _out(program: subprocess.Popen[bytes]) -> IO[bytes]:
    assert program.stdout is not None
    return program.stdout


def _demand(name: str, code: int, said: IO[bytes]) -> None:
    if code:
        said.seek(0)
        last = said.read().decode(errors="replace").strip().splitlines()[-3:]
        raise Failed(f"{name} failed: {' '.join(last) or f'exit code {code}'}")
