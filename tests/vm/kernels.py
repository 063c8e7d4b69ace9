"""Debian's kernels: found by series, downloaded by package name, unpacked, kept outside the tree.

Nothing is installed. apt works over a state directory of its own in the cache, on the mirrors that
this machine's apt already uses, with every suite from bullseye to sid, because a series such as
6.12 is not in the suite of the machine itself.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import image
from image import Entry

HERE = Path(__file__).resolve().parent
# A change of the cache's layout or of the initramfs makes older entries unready.
FORMAT = "2"
SUITES = "bullseye bookworm bookworm-backports trixie trixie-backports sid"
SECURITY_SUITES = "bullseye-security bookworm-security trixie-security"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
BOOT_MODULES = (
    "virtio_pci virtio_console virtio_blk virtio_rng 9pnet_virtio 9p overlay".split()
)
# For the initramfs, and for modprobe inside the guest.
GUEST_TOOLS = ["kmod", "libkmod2", "busybox-static"]


class KernelError(Exception):
    """A kernel could not be made ready; the text says what to do."""


def cache_dir() -> Path:
    """Where kernels are kept: BCC_VM_CACHE, or a directory below the user's cache."""
    if own := os.environ.get("BCC_VM_CACHE"):
        return Path(own)
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(base) / "bcc-vm"


@dataclass(frozen=True)
class Kernel:
    """A kernel that is ready to boot."""

    release: str

    @property
    def home(self) -> Path:
        return cache_dir() / "kernels" / self.release

    @property
    def root(self) -> Path:
        """The packages' own files: /usr/lib/modules/RELEASE and /boot."""
        return self.home / "root"

    @property
    def initrd(self) -> Path:
        return self.home / "initrd"

    @property
    def boot_image(self) -> Path:
        elf = self.home / "vmlinux"
        return elf if elf.exists() else self.home / "vmlinuz"

    @property
    def snapshot(self) -> Path:
        """What the compiler must know of this kernel, read from inside once (snapshot.py)."""
        return self.home / "target"

    def ready(self) -> bool:
        try:
            return (self.home / "format").read_text() == FORMAT
        except OSError:
            return False


def say(text: str) -> None:
    """Progress for people: stderr, so that a command's own stdout stays clean."""
    print(f"vm: {text}", file=sys.stderr, flush=True)


def find(series: str) -> Kernel | None:
    """The newest ready kernel of a series (`6.1`) or of an exact release."""
    known = [Kernel(p.name) for p in (cache_dir() / "kernels").glob("*")]
    fitting = [k for k in known if k.ready() and _fits(k.release, series)]
    return max(fitting, key=lambda k: _version_key(k.release), default=None)


def get(series: str) -> Kernel:
    """A ready kernel of the series, downloaded first when there is none."""
    if kernel := find(series):
        return kernel
    cache_dir().mkdir(parents=True, exist_ok=True)
    with open(cache_dir() / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return find(series) or _fetch(series)


def tools() -> Path:
    """Root of the unpacked guest tools."""
    root = cache_dir() / "tools"
    if not (root / ".done").exists():
        shutil.rmtree(root, ignore_errors=True)
        with tempfile.TemporaryDirectory(dir=cache_dir()) as tmp:
            _unpack(_download(GUEST_TOOLS, [], Path(tmp)), root)
        (root / ".done").touch()
    return root


def _fits(release: str, series: str) -> bool:
    return release == series or re.match(re.escape(series) + r"[.+-]", release) is not None


def _version_key(version: str) -> list[tuple[int, int, str]]:
    parts = re.findall(r"\d+|[a-z]+", version)
    return [(1, int(p), "") if p.isdigit() else (0, 0, p) for p in parts]


def _run(command: list[str], **kwargs: object) -> str:
    done = subprocess.run(command, capture_output=True, text=True, **kwargs)  # type: ignore[call-overload]
    if done.returncode:
        raise KernelError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return str(done.stdout)


def _fetch(series: str) -> Kernel:
    apt = _apt_options()
    names = _run(["apt-cache", *apt, "pkgnames", f"linux-image-{series}"]).split()
    # A real kernel has its whole version in the name: linux-image-6.1-amd64 is a meta package.
    pattern = re.compile(r"linux-image-(\d+\.\d+\.?\d*[^ ]*-amd64)$")
    found = [m.group(1) for m in map(pattern.match, names) if m]
    found = [
        r for r in found
        if _fits(r, series) and re.match(r"\d+\.\d+[.+]", r)
        and not re.search(r"-(rt|cloud)-amd64$|dbg|unsigned", r)
    ]
    if not found:
        raise KernelError(f"no Debian kernel package matches {series}")
    kernel = Kernel(max(found, key=_version_key))
    if not kernel.ready():
        _prepare(kernel, apt)
    return kernel


def _prepare(kernel: Kernel, apt: list[str]) -> None:
    package = f"linux-image-{kernel.release}"
    shown = _run(["apt-cache", *apt, "show", "--no-all-versions", package])
    depends = "".join(re.findall(r"^Depends: (.*)$", shown, re.M))
    # From 7.x on the image is split over several packages.
    packages = [package, *re.findall(r"\b(linux-(?:binary|modules)-\d[^ ,]+)", depends)]
    say(f"downloading {' '.join(packages)}")
    shutil.rmtree(kernel.home, ignore_errors=True)
    kernel.home.mkdir(parents=True)
    with tempfile.TemporaryDirectory(dir=cache_dir()) as tmp:
        _unpack(_download(packages, apt, Path(tmp)), kernel.root)
    modules = kernel.root / "usr/lib/modules" / kernel.release
    packed = kernel.root / "boot" / f"vmlinuz-{kernel.release}"
    shutil.copy(packed if packed.exists() else modules / "vmlinuz", kernel.home / "vmlinuz")
    _depmod(kernel)
    try:
        elf = image.vmlinux_of((kernel.home / "vmlinuz").read_bytes())
        (kernel.home / "vmlinux").write_bytes(elf)
    except ValueError as why:
        say(f"booting the packed image of {kernel.release}: {why}")
    _build_initrd(kernel)
    (kernel.home / "format").write_text(FORMAT)
    say(f"ready: {kernel.release}")


def _depmod(kernel: Kernel) -> None:
    # depmod looks below lib; the package's files are under usr/lib on a merged system.
    link = kernel.root / "lib"
    link.symlink_to("usr/lib")
    env = dict(os.environ, LD_LIBRARY_PATH=str(tools() / "usr/lib/x86_64-linux-gnu"))
    kmod = str(tools() / "usr/bin/kmod")
    _run(["depmod", "-b", str(kernel.root), kernel.release], executable=kmod, env=env)
    link.unlink()


def _build_initrd(kernel: Kernel) -> None:
    entries = [
        Entry(d, 0o40755)
        for d in "bin m job dev proc sys host kernel tools over new".split()
    ]
    entries.append(Entry("dev/console", 0o20600, device=(5, 1)))
    busybox = (tools() / "usr/bin/busybox").read_bytes()
    entries.append(Entry("bin/busybox", 0o100755, busybox))
    for applet in "sh mount mkdir insmod switch_root cp".split():
        entries.append(Entry(f"bin/{applet}", 0o120777, b"busybox"))
    modules = kernel.root / "usr/lib/modules" / kernel.release
    names = []
    for path in image.modules_in_order(modules, BOOT_MODULES):
        names.append(re.sub(r"\.(xz|zst|gz)$", "", path.name))
        entries.append(Entry(f"m/{names[-1]}", 0o100644, image.decompress(path.read_bytes())))
    entries.append(Entry("m/order", 0o100644, "".join(f"{n}\n" for n in names).encode()))
    entries.append(Entry("init", 0o100755, (HERE / "init.sh").read_bytes()))
    kernel.initrd.write_bytes(image.cpio(entries))


def _mirrors() -> tuple[str, str]:
    """The main and the security mirror of this machine's own apt."""
    if own := os.environ.get("BCC_VM_MIRROR"):
        return own, own + "-security"
    main = security = None
    sources = [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*"))]
    for path in (p for p in sources if p.is_file()):
        for line in path.read_text(errors="replace").splitlines():
            if line.lstrip().startswith("#"):
                continue
            for url in re.findall(r"\bhttps?://\S+", line):
                url = url.rstrip("/")
                if url.endswith("/debian"):
                    main = main or url
                elif url.endswith("/debian-security"):
                    security = security or url
    if main is None:
        raise KernelError("no Debian mirror in this machine's apt sources: set BCC_VM_MIRROR")
    return main, security or main + "-security"


def _apt_options() -> list[str]:
    root = cache_dir() / "apt"
    for d in ("state/lists/partial", "cache/archives/partial"):
        (root / d).mkdir(parents=True, exist_ok=True)
    (root / "state/status").touch()
    main, security = _mirrors()
    text = "".join(
        f"Types: deb\nURIs: {uri}\nSuites: {suites}\nComponents: main\nSigned-By: {KEYRING}\n\n"
        for uri, suites in ((main, SUITES), (security, SECURITY_SUITES))
    )
    sources = root / "bcc-vm.sources"
    stale = not sources.exists() or sources.read_text() != text
    sources.write_text(text)
    settings = {
        "Dir::State": root / "state",
        "Dir::State::status": root / "state/status",
        "Dir::Cache": root / "cache",
        "Dir::Etc::sourcelist": sources,
        "Dir::Etc::sourceparts": "/dev/null",
        "Acquire::Languages": "none",
        "Acquire::Retries": "3",
        "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled": "false",
        "APT::Architecture": "amd64",
        "APT::Sandbox::User": "root",
    }
    options = [word for k, v in settings.items() for word in ("-o", f"{k}={v}")]
    stamp = root / "updated"
    if stale or not stamp.exists() or time.time() - stamp.stat().st_mtime > 86400:
        say("reading the package lists of all Debian suites")
        _run(["apt-get", *options, "-q", "update"])
        stamp.touch()
    return options


def _download(packages: list[str], apt: list[str], into: Path) -> list[Path]:
    _run(["apt-get", *apt, "-o", "APT::Sandbox::User=root", "-q", "download", *packages], cwd=into)
    return sorted(into.glob("*.deb"))


def _unpack(debs: list[Path], root: Path) -> None:
    """Unpacks packages so that bin, sbin and lib are below usr, as on every Debian since 12."""
    root.mkdir(parents=True, exist_ok=True)
    for deb in debs:
        with tempfile.TemporaryDirectory(dir=root.parent) as tmp:
            _run(["dpkg", "-x", str(deb), tmp])
            for name in ("bin", "sbin", "lib"):
                old = Path(tmp) / name
                if old.is_dir() and not old.is_symlink():
                    (Path(tmp) / "usr" / name).mkdir(parents=True, exist_ok=True)
                    _run(["cp", "-al", f"{old}/.", f"{tmp}/usr/{name}"])
                    shutil.rmtree(old)
            _run(["cp", "-al", f"{tmp}/.", str(root)])
