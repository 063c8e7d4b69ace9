"""Where debug files are looked for, and source lines, through Python."""

import os
import pathlib
import subprocess
import sys

import pytest
from bcc import BPF

ASK = """
import sys
from bcc import BPF
for word in sys.argv[2:]:
    print(BPF.sym(int(word), int(sys.argv[1]), show_offset=True).decode())
"""


def ask(target, **environment):
    """The names that a Python of its own finds for the program's functions, one byte in."""
    words = [str(address + 1) for address in target.addresses.values()]
    env = dict(os.environ, **{name: str(path) for name, path in environment.items()})
    argv = [sys.executable, "-c", ASK, str(target.pid), *words]
    done = subprocess.run(argv, env=env, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


@pytest.fixture
def stripped(build, start):
    """A running program without symbols, and the file that has them."""
    binary = build("symbols.c", "-Wl,--build-id=sha1")
    debug = binary + ".full"
    subprocess.run(["objcopy", "--only-keep-debug", binary, debug], check=True)
    subprocess.run(["strip", binary], check=True)
    target = start(binary, 3)
    target.binary, target.debug = binary, debug
    return target


def named(target):
    return [name + "+0x1" for name in target.addresses]


def test_a_stripped_program_has_no_names_by_itself(stripped):
    assert ask(stripped) == ["[unknown]"] * 3


def test_symfs_holds_files_under_their_paths(stripped, tmp_path):
    place = pathlib.Path(str(tmp_path) + "/symfs" + stripped.binary)
    place.parent.mkdir(parents=True)
    os.rename(stripped.debug, place)
    assert ask(stripped, BCC_SYMFS=tmp_path / "symfs") == named(stripped)


def test_a_debug_root_holds_files_by_build_id(stripped, tmp_path):
    told = subprocess.run(["readelf", "-n", stripped.binary], capture_output=True, text=True)
    build_id = told.stdout.split("Build ID: ")[1].split()[0]
    place = tmp_path / "root/.build-id" / build_id[:2] / (build_id[2:] + ".debug")
    place.parent.mkdir(parents=True)
    os.rename(stripped.debug, place)
    assert ask(stripped, BCC_DEBUGINFO_ROOT=tmp_path / "root") == named(stripped)


def test_another_builds_file_is_not_believed(stripped, build, tmp_path):
    place = pathlib.Path(str(tmp_path) + "/symfs" + stripped.binary)
    place.parent.mkdir(parents=True)
    build("symbols.c", "-O2", "-Wl,--build-id=sha1", directory=place.parent, output=place.name)
    assert ask(stripped, BCC_SYMFS=tmp_path / "symfs") == ["[unknown]"] * 3


def test_source_lines_and_options(build, start):
    target = start(build("lines.c"), 3)
    inner, outer = target.addresses["inlined_function"], target.addresses["outer_function"]
    shown = BPF.sym(inner, target.pid, show_source=True).decode()
    assert shown.startswith("inlined_function at ") and ", inlined in outer_function at " in shown
    assert BPF.sym(outer, target.pid, show_module=True).decode() == "outer_function [target]"
    assert BPF.sym(outer, target.pid, show_module=True, show_offset=True).decode().endswith(" [target]")
    frames = BPF._sym_cache(target.pid).source(inner)
    assert [name for name, _, _ in frames] == [b"inlined_function", b"outer_function"]
    name, offset, module = BPF._sym_cache(target.pid).resolve(outer, True)
    assert (name, module.endswith(b"/target")) == (b"outer_function", True)
    address = BPF._sym_cache(target.pid).resolve_name(module, b"outer_function")
    assert address == outer - offset
    # Between functions there is the module and the offset in it.
    assert BPF.sym(16, target.pid, True, True) == b"[unknown]"


def test_demangling_is_an_option(build, start):
    target = start(build("names.cpp"), 6)
    for name, address in target.addresses.items():
        assert BPF.sym(address, target.pid).decode() == name
        plain = BPF.sym(address, target.pid, demangle=False).decode()
        assert plain.startswith("_Z") or plain == name == "main"
