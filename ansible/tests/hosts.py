#!/usr/bin/env python3
"""Throw-away Debian hosts with a real systemd, for the tests of the roles; Linux, root only.

Each is a container of systemd-nspawn with its own address, sshd, timers and reboot, an overlay on
one base image. `hosts.py up NAME…`, `inventory GROUP=NAME[,NAME…]…`, `run NAME COMMAND`,
`destroy [NAME…]`. Its disk is as lasting as this machine's memory: nothing is synced.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import ground
from ground import BRIDGE, HOSTS, KEY, MOST, NET, CannotHost

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

BOOT = 90.0
REBOOT = 133
"""The exit code of nspawn by which a guest asks to be booted again."""

NEEDED = ("systemd-nspawn", "mmdebstrap", "nft", "ip", "ssh", "ssh-keygen", "setsid", "unshare")
SSH = ("-o", "IdentitiesOnly=yes", "-o", "StrictHostKeyChecking=yes", "-o", "ConnectTimeout=3")


@dataclass(frozen=True)
class Host:
    """A host by its name."""

    name: str

    @property
    def folder(self) -> Path:
        return HOSTS / self.name

    @property
    def root(self) -> Path:
        """Where its files are while it runs, in its keeper's eyes only."""
        return self.folder / "root"

    @property
    def ip(self) -> str:
        return f"{NET}.{10 + int((self.folder / 'number').read_text())}"

    @property
    def ssh(self) -> list[str]:
        """The options by which ssh knows it."""
        return [*SSH, "-i", str(KEY), "-o", f"UserKnownHostsFile={self.folder}/known_hosts"]

    def runs(self) -> bool:
        with suppress(OSError), (self.folder / "lock").open() as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def run(self, command: str, *, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a shell's line there as root."""
        words = ["ssh", *self.ssh, f"root@{self.ip}", command]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if check and done.returncode:
            raise RuntimeError(f"{self.name}: {command}: {done.stdout}{done.stderr}")
        return done

    def boot(self) -> None:
        """Make it if it is not there, start it if it is down, and wait until it is up."""
        with _alone():
            ground.open_network()
            if not self.folder.exists():
                self._make()
            if not self.runs():
                self._start()
        self.wait()

    def wait(self, since: str = "") -> None:
        """Wait until it is up; after a reboot, `since` is the boot's id that is over."""
        until = time.monotonic() + BOOT
        while time.monotonic() < until:
            told = "cat /proc/sys/kernel/random/boot_id /run/boot-id; systemctl is-system-running"
            found = self.run(told, check=False).stdout.split()
            if found and found[-1] in {"running", "degraded"} and since not in found[:-1]:
                return
            time.sleep(0.2)
        raise RuntimeError(
            f"{self.name} is not up: {(self.folder / 'console').read_text()[-2000:]}"
        )

    def reboot(self) -> None:
        """As an administrator would; without waiting for it."""
        self.run("systemctl reboot", check=False)

    def cut(self) -> None:
        """As a power cut would: everything that runs there ends in one moment."""
        (ground.group(self.name) / "cgroup.kill").write_text("1")
        self._until_down()

    def down(self) -> None:
        """Shut it down; its disk stays."""
        with suppress(FileNotFoundError, ProcessLookupError):
            os.kill(int((self.folder / "pid").read_text()), signal.SIGTERM)
        self._until_down()

    def destroy(self) -> None:
        """Shut it down and forget it."""
        if self.folder.exists():
            if self.runs():
                self.down()
            shutil.rmtree(self.folder)
        with _alone():
            if not any(host.runs() for host in every()):
                ground.close_network()

    def _until_down(self) -> None:
        until = time.monotonic() + BOOT
        while self.runs():
            if time.monotonic() > until:
                (ground.group(self.name) / "cgroup.kill").write_text("1")
            time.sleep(0.1)

    def _make(self) -> None:
        taken = {int(file.read_text()) for file in HOSTS.glob("*/number")}
        free = [number for number in range(1, MOST + 1) if number not in taken]
        if not free:
            raise CannotHost(f"{MOST} hosts are up already; destroy one")
        self.folder.mkdir(parents=True)
        (self.folder / "number").write_text(str(free[0]))
        (self.folder / "base").write_text(str(ground.base()))
        for name in ("root", "upper", "scratch"):
            (self.folder / name).mkdir()

    def _start(self) -> None:
        # Of a session of its own, so that it outlives whoever asked for it.
        words = ["setsid", "--fork", "unshare", "--mount", "--propagation", "slave"]
        words += [sys.executable, __file__, "keep", self.name]
        with (self.folder / "console").open("a") as said:
            told = {"stdin": subprocess.DEVNULL, "stdout": said, "stderr": said}
            subprocess.run(words, check=True, **told)
        until = time.monotonic() + BOOT
        while not self.runs() and time.monotonic() < until:
            time.sleep(0.05)

    def keep(self) -> None:
        """Be the parent of the running host, in a mount namespace of its own, until it is down."""
        with (self.folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            below = (self.folder / "base").read_text()
            layers = f"lowerdir={below},upperdir={self.folder}/upper,workdir={self.folder}/scratch"
            shutil.rmtree(self.folder / "scratch/work/incompat", ignore_errors=True)
            ground.do(
                "mount", "-t", "overlay", "overlay", "-o", f"{layers},volatile", str(self.root)
            )
            self._furnish()
            while self._nspawn() == REBOOT:
                ground.clear(ground.group(self.name))

    def _nspawn(self) -> int:
        group = ground.group(self.name)
        group.mkdir(parents=True, exist_ok=True)
        words = ["systemd-nspawn", "--quiet", "--boot", f"--directory={self.root}"]
        words += [
            f"--machine=identra{self.ip.rpartition('.')[2]}-{ground.REALM}",
            f"--hostname={self.name}",
            "--register=no",
            "--keep-unit",
            "--settings=no",
        ]
        words += [f"--network-bridge={BRIDGE}", "--resolv-conf=off", "--timezone=off"]
        words += ["--link-journal=no", "--console=read-only", "--kill-signal=SIGRTMIN+3"]
        # For IPAddressDeny= and the like of units.
        words += ["--capability=CAP_BPF,CAP_PERFMON", "--system-call-filter=bpf @keyring"]
        guest = subprocess.Popen(
            words,
            env=os.environ | {"SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"},
            preexec_fn=lambda: (group / "cgroup.procs").write_text(str(os.getpid())),  # noqa: PLW1509 - no thread runs here
        )
        (self.folder / "pid").write_text(str(guest.pid))
        return guest.wait()

    def _furnish(self) -> None:
        """What makes this host of the base image's many."""
        etc = self.root / "etc"
        shutil.copy("/etc/resolv.conf", etc / "resolv.conf")
        network = f"[Match]\nName=host0\n[Network]\nAddress={self.ip}/24\nGateway={NET}.1\n"
        (etc / "systemd/network/10-host0.network").write_text(network + "IPv6AcceptRA=no\n")
        if not (self.folder / "known_hosts").exists():
            (etc / "hostname").write_text(f"{self.name}\n")
            (etc / "hosts").write_text(f"127.0.0.1 localhost\n127.0.1.1 {self.name}\n")
            ground.do("ssh-keygen", "-q", "-A", "-f", str(self.root))
            ground.admit(self.root)
            keys = [file.read_text().split()[:2] for file in etc.glob("ssh/ssh_host_*.pub")]
            known = "".join(f"{self.ip} {kind} {key}\n" for kind, key in keys)
            (self.folder / "known_hosts").write_text(known)


def demand() -> None:
    """Raise CannotHost unless this machine can have hosts."""
    if sys.platform != "linux" or os.geteuid() != 0:
        raise CannotHost("hosts are systemd-nspawn containers: they need Linux and root")
    missing = [name for name in NEEDED if shutil.which(name) is None]
    if missing:
        raise CannotHost(f"not installed: {' '.join(missing)}")


def every() -> list[Host]:
    return [Host(file.parent.name) for file in sorted(HOSTS.glob("*/number"))]


def inventory(groups: dict[str, Sequence[str]]) -> dict[str, object]:
    """An inventory of these groups of hosts, as Ansible reads it."""
    names = sorted({name for members in groups.values() for name in members})
    hosts = {name: _reached(Host(name)) for name in names}
    members = {group: {"hosts": {name: {} for name in held}} for group, held in groups.items()}
    shared = {"ansible_user": "admin", "ansible_python_interpreter": "/usr/bin/python3"}
    return {"all": {"hosts": hosts, "vars": shared, "children": members}}


def _reached(host: Host) -> dict[str, str]:
    return {"ansible_host": host.ip, "ansible_ssh_common_args": " ".join(host.ssh)}


@contextmanager
def _alone() -> Iterator[None]:
    """One at a time, whoever calls."""
    HOSTS.mkdir(parents=True, exist_ok=True)
    with (HOSTS / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main(verb: str = "help", *words: str) -> int:
    import json

    demand()
    if verb == "up":
        for name in words:
            Host(name).boot()
    elif verb == "destroy":
        for host in [Host(name) for name in words] or every():
            host.destroy()
    elif verb == "run":
        done = Host(words[0]).run(" ".join(words[1:]), check=False)
        print(done.stdout + done.stderr, end="")
        return done.returncode
    elif verb == "inventory":
        print(
            json.dumps(
                inventory({g: m.split(",") for g, _, m in (w.partition("=") for w in words)})
            )
        )
    elif verb == "keep":
        Host(words[0]).keep()
    else:
        print(__doc__)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:]))
    except CannotHost as fault:
        sys.exit(f"hosts.py: {fault}")
