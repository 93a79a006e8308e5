"""A site for a test: hosts that are booted for it, an inventory of them, and plays over it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hosts import Host, inventory

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
HOME = ROOT / "ansible"
BIN = Path(sys.executable).parent
ANSIBLE = os.environ.get("IDENTRA_TEST_ANSIBLE", BIN)
"""Where Ansible's programs are: to try another version of it."""

KEEPS = bool(os.environ.get("IDENTRA_TEST_KEEP_HOSTS"))
"""Whether hosts outlive the run, and are met again by the next: to work on a test."""

RECIPIENT = "age1ek8qkqcls5a5hxau3sdjkssu46ftd9v0x3645l4wdhxm8mh37qpqs8eru9"
"""Of backups that nobody shall open: whose other half is nowhere."""

TIMES: list[tuple[str, float]] = []
"""What was measured, in seconds, for the end of the run."""


@dataclass(frozen=True)
class Played:
    """How a play ended."""

    code: int
    said: str

    @property
    def changed(self) -> int:
        """How many tasks changed something, on all hosts."""
        return sum(map(int, re.findall(r"\bchanged=(\d+)", self.said)))

    @property
    def refusal(self) -> str:
        """The sentences by which hosts stopped the play."""
        return " ".join(self.refusals.values())

    @property
    def refusals(self) -> dict[str, str]:
        """The sentence of each host that stopped the play."""
        found = re.findall(r"^(?:fatal|failed): \[(.+?)\].* => (\{.*\})$", self.said, re.MULTILINE)
        return {host: str(json.loads(told).get("msg", "")) for host, told in found}


@dataclass
class Site:
    """Hosts by their groups, and what is said of all of them."""

    folder: Path
    groups: dict[str, list[str]]
    variables: dict[str, Any] = field(default_factory=dict)
    example: str = ""
    """The inventory of ours whose variables hold, under the site's own."""

    def host(self, name: str) -> Host:
        return Host(name)

    @property
    def names(self) -> list[str]:
        return sorted({name for members in self.groups.values() for name in members})

    def play(self, playbook: str, *arguments: str, **variables: Any) -> Played:
        """Run a playbook; further variables over the site's own."""
        return self.run(inventory(self.groups), playbook, *arguments, **variables)

    def run(self, hosts: Any, playbook: str, *arguments: str, **variables: Any) -> Played:
        """The same on another inventory."""
        where, said = self.folder / "inventory.json", self.folder / "variables.json"
        where.write_text(json.dumps(hosts))
        said.touch(mode=0o600)
        said.write_text(json.dumps(self.variables | variables))
        words = [f"{ANSIBLE}/ansible-playbook", "-i", str(where)]
        if self.example:
            words += ["-e", f"@inventories/{self.example}/group_vars/all/identra.yml"]
        done = subprocess.run(
            [*words, "-e", f"@{said}", f"playbooks/{playbook}.yml", *arguments],
            cwd=HOME,
            env=clean(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        with (self.folder / "plays.log").open("a") as log:
            log.write(f"{playbook} {arguments}\n{done.stdout}{done.stderr}\n")
        return Played(done.returncode, done.stdout + done.stderr)

    def played(self, playbook: str, *arguments: str, **variables: Any) -> Played:
        """The same, and it must end well; the time it took is told at the end of the run."""
        begun = time.monotonic()
        done = self.play(playbook, *arguments, **variables)
        assert done.code == 0, done.said[-6000:]
        what = " ".join((playbook, *arguments))
        TIMES.append((f"{what} on {', '.join(self.names)}", time.monotonic() - begun))
        return done


@contextmanager
def opened(
    folder: Path, groups: dict[str, list[str]], variables: dict[str, Any], example: str = ""
) -> Iterator[Site]:
    """A site of fresh hosts, which are gone afterwards."""
    site = Site(folder, groups, variables, example)
    try:
        begun = time.monotonic()
        for name in site.names:
            if not KEEPS:
                Host(name).destroy()
            Host(name).boot()
        TIMES.append((f"booting {', '.join(site.names)}", time.monotonic() - begun))
        yield site
    finally:
        for name in () if KEEPS else site.names:
            Host(name).destroy()


def clean() -> dict[str, str]:
    """An environment in which nothing speaks of Identra or Ansible but this project's own files."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("IDENTRA_", "ANSIBLE_"))}
    return kept | {"PATH": f"{BIN}:{kept['PATH']}", "ANSIBLE_NOCOLOR": "1"}
