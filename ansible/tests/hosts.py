#!/usr/bin/env python3
"""Throw-away Debian hosts with a real systemd, for the tests of the roles; Linux, root only.

Each is a container of systemd-nspawn with its own address, sshd, timers and reboot, an overlay on
one base image. `hosts.py up NAME…`, `inventory GROUP=NAME[,NAME…]…`, `run NAME COMMAND`,
`destroy [NAME…]`. Its disk is as lasting as this machine's memory: nothing is synced.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SUITE = "bookworm"
MIRROR = os.environ.get("IDENTRA_TEST_MIRROR", "http://deb.debian.org/debian")
SOURCES = (
    f"deb {MIRROR} {SUITE} main",
    f"deb {MIRROR} {SUITE}-updates main",
    f"deb {MIRROR.rstrip('/')}-security {SUITE}-security main",
)
PACKAGES = "systemd,systemd-sysv,dbus,libpam-systemd,openssh-server,python3,python3-apt,sudo"
PACKAGES += ",ca-certificates,iproute2,procps,netbase,less"
REVISION = "1"
"""To be raised when `_base` changes."""

BASES = Path("/var/cache/identra-hosts")
REALM = int(os.environ.get("IDENTRA_TEST_REALM", "0"))
"""Two realms know nothing of each other: for two checkouts on one machine."""

HOSTS = Path(f"/var/lib/identra-hosts/{REALM}")
BRIDGE, TABLE, MOST = f"identra{REALM}", f"identra-hosts-{REALM}", 4
NET = f"198.18.{83 + REALM}"
"""Of a range for measuring, which is routed nowhere (RFC 2544)."""

BOOT = 90.0
REBOOT = 133
"""The exit code of nspawn by which a guest asks to be booted again."""

NEEDED = ("systemd-nspawn", "mmdebstrap", "nft", "ip", "ssh", "ssh-keygen", "unshare")
KEY = HOSTS / "key"
SSH = ("-o", "IdentitiesOnly=yes", "-o", "StrictHostKeyChecking=yes", "-o", "ConnectTimeout=3")


class CannotHost(Exception):
    """This machine can't have hosts; the text says why."""


@dataclass(frozen=True)
class Host:
    """A host by its name: at most 11 letters, since its interface here is named for it."""

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
            _open_network()
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
        (_group(self) / "cgroup.kill").write_text("1")
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
            _close_network()

    def _until_down(self) -> None:
        until = time.monotonic() + BOOT
        while self.runs():
            if time.monotonic() > until:
                (_group(self) / "cgroup.kill").write_text("1")
            time.sleep(0.1)

    def _make(self) -> None:
        taken = {int(file.read_text()) for file in HOSTS.glob("*/number")}
        free = [number for number in range(1, MOST + 1) if number not in taken]
        if not free:
            raise CannotHost(f"{MOST} hosts are up already; destroy one")
        self.folder.mkdir(parents=True)
        (self.folder / "number").write_text(str(free[0]))
        (self.folder / "base").write_text(str(_base()))
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
            _do("mount", "-t", "overlay", "overlay", "-o", f"{layers},volatile", str(self.root))
            self._furnish()
            while self._nspawn() == REBOOT:
                _clear(_group(self))

    def _nspawn(self) -> int:
        group = _group(self)
        group.mkdir(parents=True, exist_ok=True)
        words = ["systemd-nspawn", "--quiet", "--boot", f"--directory={self.root}"]
        words += [f"--machine={self.name}", "--register=no", "--keep-unit", "--settings=no"]
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
            _do("ssh-keygen", "-q", "-A", "-f", str(self.root))
            _admit(self.root)
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


def _do(*words: str, said: str = "") -> None:
    done = subprocess.run(words, input=said, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CannotHost(f"{' '.join(words)}: {done.stderr.strip()[-2000:]}")


def _base() -> Path:
    """The image all hosts stand on, made once."""
    made_of = "\n".join((REVISION, *SOURCES, PACKAGES))
    base = BASES / hashlib.sha256(made_of.encode()).hexdigest()[:12]
    if not base.exists():
        draft = BASES / "draft"
        shutil.rmtree(draft, ignore_errors=True)
        BASES.mkdir(parents=True, exist_ok=True)
        words = ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={PACKAGES}", SUITE]
        _do(*words, str(draft), *SOURCES)
        _do("chroot", str(draft), "useradd", "-m", "-s", "/bin/bash", "admin")
        (draft / "etc/sudoers.d/admin").write_text("admin ALL=(ALL) NOPASSWD: ALL\n")
        (draft / "etc/machine-id").write_text("")
        for file in (draft / "etc/ssh").glob("ssh_host_*"):
            file.unlink()
        # No timer of the system's own may hold its lock while a test installs.
        off = ["apt-daily.timer", "apt-daily-upgrade.timer", "console-getty.service"]
        _do("systemctl", f"--root={draft}", "--quiet", "mask", *off)
        _do("systemctl", f"--root={draft}", "--quiet", "enable", "systemd-networkd")
        draft.rename(base)
    return base


def _admit(root: Path) -> None:
    """Let our key in, as root and as an administrator."""
    if not KEY.exists():
        _do("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "identra", "-f", str(KEY))
    for home in (root / "root", root / "home/admin"):
        owner = home.stat()
        (home / ".ssh").mkdir(mode=0o700, exist_ok=True)
        shutil.copy(KEY.with_suffix(".pub"), home / ".ssh/authorized_keys")
        for path in (home / ".ssh", home / ".ssh/authorized_keys"):
            os.chown(path, owner.st_uid, owner.st_gid)


def _group(host: Host) -> Path:
    """The control group it runs in."""
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    top = next(Path(where) for _, where, kind, *_ in mounts if kind == "cgroup2")
    return top / f"identra-hosts-{REALM}" / host.name


def _clear(group: Path) -> None:
    for inner in sorted(group.rglob("*/"), key=lambda path: -len(path.parts)):
        with suppress(OSError):
            inner.rmdir()


def _open_network() -> None:
    """A bridge, and a way out for what is installed from elsewhere."""
    if Path(f"/sys/class/net/{BRIDGE}").exists():
        return
    _do("ip", "link", "add", BRIDGE, "type", "bridge")
    _do("ip", "address", "add", f"{NET}.1/24", "dev", BRIDGE)
    _do("ip", "link", "set", BRIDGE, "up")
    forward = Path("/proc/sys/net/ipv4/ip_forward")
    (HOSTS / "forward").write_text(forward.read_text())
    forward.write_text("1")
    chain = "type nat hook postrouting priority srcnat;"
    rule = f'ip saddr {NET}.0/24 oifname != "{BRIDGE}" masquerade'
    _do("nft", "-f", "-", said=f"table ip {TABLE} {{\nchain out {{\n{chain}\n{rule}\n}}\n}}\n")


def _close_network() -> None:
    """Leave this machine as it was, once no host runs."""
    if any(host.runs() for host in every()) or not Path(f"/sys/class/net/{BRIDGE}").exists():
        return
    _do("nft", "delete", "table", "ip", TABLE)
    _do("ip", "link", "delete", BRIDGE)
    Path("/proc/sys/net/ipv4/ip_forward").write_text((HOSTS / "forward").read_text())


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
