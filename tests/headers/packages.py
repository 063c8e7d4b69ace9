"""Kernels whose types the corpus is compiled for: their packages, unpacked and never booted.

Images (BTF, configuration, modules) and, for kernels with them, header trees go to `packages` in the
guests' cache directory.
"""

from __future__ import annotations

import functools
import json
import re
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "vm"))

import kernels  # noqa: E402

# The newest of each series, and at last the newest that Debian has at all.
SERIES = ("5.10", "6.1", "6.12", "6.18", "")
# What apt said is asked again after so many seconds.
FRESH = 86400


@dataclass(frozen=True)
class Package:
    """One kernel's unpacked packages."""

    release: str

    @property
    def root(self) -> Path:
        return kernels.cache_dir() / "packages" / self.release / "root"

    @property
    def headers(self) -> Path:
        """The tree that its header package would put into /usr/src."""
        return self.root / f"usr/src/linux-headers-{self.release}"

    def unpacked(self) -> bool:
        return (self.root / "usr/lib/modules" / self.release).is_dir()


@functools.cache
def apt_options() -> list[str]:
    """apt over every suite; reads the package lists, so only when something must be asked."""
    return kernels._apt_options()


class Answers:
    """What was found for each series and kernel, so that a second run within a day asks nobody."""

    def __init__(self) -> None:
        self.path = kernels.cache_dir() / "packages" / "answers.json"
        try:
            self.known = json.loads(self.path.read_text())
        except (OSError, ValueError):
            self.known = {}

    def get(self, question: str) -> str | None:
        when, answer = self.known.get(question, (0, None))
        return answer if time.time() - when < FRESH else None

    def put(self, question: str, answer: str) -> str:
        self.known[question] = (time.time(), answer)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.path.with_suffix(".new")
        temporary.write_text(json.dumps(self.known, indent=1))
        temporary.replace(self.path)
        return answer


def available(series: str, apt: list[str]) -> list[str]:
    """Releases of a series, the newest first; an index may name some that the mirror has no more."""
    names = kernels._run(["apt-cache", *apt, "pkgnames", f"linux-image-{series}"]).split()
    releases = [n.removeprefix("linux-image-") for n in names if n.endswith("-amd64")]
    plain = [r for r in releases if re.fullmatch(r"\d+\.\d+\.?\d*[^-]*(-\d+)?-amd64", r)]
    versioned = [r for r in plain if not re.fullmatch(r"\d+\.\d+-amd64", r) and "deb11" not in r]
    fitting = [r for r in versioned if not series or kernels._fits(r, series)]
    return sorted(fitting, key=kernels._version_key, reverse=True)


def fetch(series: str, answers: Answers) -> Package:
    """The newest kernel of a series that can be had, from the cache if it is there."""
    if (release := answers.get(f"newest {series}")) and Package(release).unpacked():
        return Package(release)
    tried, apt = [], apt_options()
    for release in available(series, apt)[:6]:
        package = Package(release)
        try:
            if not package.unpacked():
                download(package, apt)
            return Package(answers.put(f"newest {series}", release))
        except kernels.KernelError as why:
            tried.append(f"{release}: {str(why).strip().splitlines()[-1]}")
    raise kernels.KernelError(f"no kernel {series or 'at all'}: " + "; ".join(tried))


def depends(package: str, apt: list[str], pattern: str) -> list[str]:
    shown = kernels._run(["apt-cache", *apt, "show", "--no-all-versions", package])
    return re.findall(pattern, "".join(re.findall(r"^Depends: (.*)$", shown, re.M)))


def download(package: Package, apt: list[str]) -> None:
    image = f"linux-image-{package.release}"
    # From 7.x on the image is split over several packages.
    names = [image, *depends(image, apt, r"\b(linux-(?:binary|modules)-\d[^ ,]+)")]
    unpack(package, names, apt)


def headers(package: Package, answers: Answers) -> Path:
    """The header tree, downloaded first when it is not there."""
    if (package.headers / "Makefile").is_file():
        return package.headers
    question = f"headers {package.release}"
    if why := answers.get(question):
        raise kernels.KernelError(why)
    name, apt = f"linux-headers-{package.release}", apt_options()
    try:
        unpack(package, [name, *depends(name, apt, r"\b(linux-headers-\d[^ ,]+-common)")], apt)
    except kernels.KernelError as error:
        answers.put(question, str(error).strip().splitlines()[-1])
        raise
    return package.headers


def unpack(package: Package, names: list[str], apt: list[str]) -> None:
    kernels.say(f"downloading {' '.join(names)}")
    kernels.cache_dir().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=kernels.cache_dir()) as tmp:
        debs = kernels._download(names, apt, Path(tmp))
        kernels._unpack(debs, package.root)
