"""What hosts stand on: a base image, a network, and a group of the kernel's each."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

SUITE = os.environ.get("IDENTRA_TEST_SUITE", "bookworm")
"""What hosts run: Debian's bookworm, or Ubuntu's noble, whose keys this machine must have."""

DEBIAN = SUITE != "noble"
PYTHON = "3.11" if DEBIAN else "3.12"
"""The one that the suite brings."""

MIRROR = os.environ.get(
    "IDENTRA_TEST_MIRROR",
    "http://deb.debian.org/debian" if DEBIAN else "http://archive.ubuntu.com/ubuntu",
)
KEYRING = f"/usr/share/keyrings/{'debian' if DEBIAN else 'ubuntu'}-archive-keyring.gpg"
ORIGIN = f"deb [signed-by={KEYRING}] {MIRROR}"
PARTS = "main" if DEBIAN else "main universe"
SOURCES = (
    f"{ORIGIN} {SUITE} {PARTS}",
    f"{ORIGIN} {SUITE}-updates {PARTS}",
    f"{ORIGIN.rstrip('/')}{'-security' if DEBIAN else ''} {SUITE}-security {PARTS}",
)
PACKAGES = "apt,systemd,systemd-sysv,dbus,libpam-systemd,openssh-server,python3,python3-apt,sudo"
PACKAGES += ",ca-certificates,iproute2,procps,netbase,less"
REVISION = "1"
"""To be raised when `base` changes."""

BASES = Path("/var/cache/identra-hosts")
REALM = int(os.environ.get("IDENTRA_TEST_REALM", "0"))
"""Two realms know nothing of each other: for two checkouts on one machine."""

HOSTS = Path(f"/var/lib/identra-hosts/{REALM}")
BRIDGE, TABLE, MOST = f"identra{REALM}", f"identra-hosts-{REALM}", 4
NET = f"198.18.{83 + REALM}"
"""Of a range for measuring, which is routed nowhere (RFC 2544)."""

KEY = HOSTS / "key"


class CannotHost(Exception):
    """This machine can't have hosts; the text says why."""


def do(*words: str, said: str = "") -> None:
    done = subprocess.run(words, input=said, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CannotHost(f"{' '.join(words)}: {done.stderr.strip()[-2000:]}")


def base() -> Path:
    """The image all hosts stand on, made once."""
    made_of = "\n".join((REVISION, *SOURCES, PACKAGES))
    base = BASES / hashlib.sha256(made_of.encode()).hexdigest()[:12]
    if not Path(KEYRING).exists():
        raise CannotHost(f"{KEYRING}, the keys of {SUITE}'s archive, is not there")
    if not base.exists():
        draft = BASES / f"draft-{os.getpid()}"
        shutil.rmtree(draft, ignore_errors=True)
        BASES.mkdir(parents=True, exist_ok=True)
        words = ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={PACKAGES}", SUITE]
        do(*words, str(draft), *SOURCES)
        do("chroot", str(draft), "useradd", "-m", "-s", "/bin/bash", "admin")
        (draft / "etc/sudoers.d/admin").write_text("admin ALL=(ALL) NOPASSWD: ALL\n")
        (draft / "etc/machine-id").write_text("")
        for file in (draft / "etc/ssh").glob("ssh_host_*"):
            file.unlink()
        # No timer of the system's own may hold its lock while a test installs.
        off = ["apt-daily.timer", "apt-daily-upgrade.timer", "console-getty.service"]
        do("systemctl", f"--root={draft}", "--quiet", "mask", *off)
        do("systemctl", f"--root={draft}", "--quiet", "enable", "systemd-networkd")
        with suppress(OSError):  # another realm was quicker
            draft.rename(base)
    return base


def admit(root: Path) -> None:
    """Let our key in, as root and as an administrator."""
    if not KEY.exists():
        do("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "identra", "-f", str(KEY))
    for home in (root / "root", root / "home/admin"):
        owner = home.stat()
        (home / ".ssh").mkdir(mode=0o700, exist_ok=True)
        shutil.copy(KEY.with_suffix(".pub"), home / ".ssh/authorized_keys")
        for path in (home / ".ssh", home / ".ssh/authorized_keys"):
            os.chown(path, owner.st_uid, owner.st_gid)


def group(name: str) -> Path:
    """The control group it runs in."""
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    top = next(Path(where) for _, where, kind, *_ in mounts if kind == "cgroup2")
    return top / f"identra-hosts-{REALM}" / name


def clear(group: Path) -> None:
    for inner in sorted(group.rglob("*/"), key=lambda path: -len(path.parts)):
        with suppress(OSError):
            inner.rmdir()


def open_network() -> None:
    """A bridge, and a way out for what is installed from elsewhere."""
    if Path(f"/sys/class/net/{BRIDGE}").exists():
        return
    do("ip", "link", "add", BRIDGE, "type", "bridge")
    do("ip", "address", "add", f"{NET}.1/24", "dev", BRIDGE)
    do("ip", "link", "set", BRIDGE, "up")
    forward = Path("/proc/sys/net/ipv4/ip_forward")
    (HOSTS / "forward").write_text(forward.read_text())
    forward.write_text("1")
    chain = "type nat hook postrouting priority srcnat;"
    rule = f'ip saddr {NET}.0/24 oifname != "{BRIDGE}" masquerade'
    do("nft", "-f", "-", said=f"table ip {TABLE} {{\nchain out {{\n{chain}\n{rule}\n}}\n}}\n")


def close_network() -> None:
    """Leave this machine as it was, now that no host runs."""
    if not Path(f"/sys/class/net/{BRIDGE}").exists():
        return
    do("nft", "delete", "table", "ip", TABLE)
    do("ip", "link", "delete", BRIDGE)
    Path("/proc/sys/net/ipv4/ip_forward").write_text((HOSTS / "forward").read_text())
