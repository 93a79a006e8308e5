"""A backup sent elsewhere, by SFTP; it has its name there only once it is there as a whole."""

from __future__ import annotations

import os
from pathlib import Path

import archive


def send(folder: str, target: str, known_hosts: str) -> None:
    """Send the newest to `USER@HOST:FOLDER`. Raises Failed."""
    where, _, there = target.partition(":")
    newest = max(Path(folder).glob("*Z"))
    key = Path(os.environ["CREDENTIALS_DIRECTORY"]) / "ssh"
    said = {"BatchMode": "yes", "StrictHostKeyChecking": "yes", "IdentitiesOnly": "yes"}
    said |= {"UserKnownHostsFile": known_hosts, "ConnectTimeout": "15", "IdentityFile": str(key)}
    options = [word for name, value in said.items() for word in ("-o", f"{name}={value}")]
    archive.write(["sftp", "-b", "-", *options, where], [_orders(newest, there).encode()])
    print(f"sent {newest.name} to {target}")


def _orders(newest: Path, there: str) -> str:
    """SFTP's commands; one that begins with a hyphen may fail."""
    part = f'"{there}/{newest.name}.part"'
    files = sorted(newest.iterdir())
    removed = [f"-rm {part}/{file.name}" for file in files]
    put = [f'put "{file}" {part}/{file.name}' for file in files]
    lines = [*removed, f"-mkdir {part}", *put, f'rename {part} "{there}/{newest.name}"', "bye"]
    return "\n".join([*lines, ""])
