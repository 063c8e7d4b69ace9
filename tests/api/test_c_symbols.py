"""C functions about symbols, probes of programs, processes and files, through ctypes."""

import ctypes as ct
import os
import platform
import re
import subprocess
import sys
import zipfile

import pytest
from bcc import bcc_stacktrace_build_id, bcc_symbol, bcc_symbol_option, lib
from bcc.libbcc import (
    _ELF_LOAD_CB,
    _ELF_SYM_CB,
    _KSYM_CB,
    _MODULE_CB,
    _USDT_CB,
    _USDT_PROBE_CB,
    bcc_usdt_argument,
    bcc_usdt_location,
    bcc_zip_entry,
)

PYTHON = os.path.realpath("/usr/bin/python3").encode()
LIBC = os.path.realpath("/lib/x86_64-linux-gnu/libc.so.6").encode()


def tool(*argv):
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout


def freed(text):
    """A text that the library wants back."""
    value = ct.cast(text, ct.c_char_p).value
    lib.bcc_procutils_free(text)
    return value


def test_symbols_by_build_id(row):
    build_id = ct.create_string_buffer(41)
    assert lib.bcc_elf_get_buildid(LIBC, build_id) == 0
    truth = re.search(r"Build ID: (\w+)", tool("readelf", "-n", LIBC)).group(1)
    assert build_id.value.decode() == truth
    row("C bcc_elf_get_buildid", truth)
    symbol = bcc_symbol()
    assert lib.bcc_resolve_symname(b"c", b"malloc", 0, 0, ct.byref(bcc_symbol_option()), symbol) == 0
    assert os.path.realpath(freed(symbol.module)) == LIBC
    frame = bcc_stacktrace_build_id()
    frame.status, frame.offset = 1, symbol.offset + 2
    frame.build_id = (ct.c_ubyte * 20)(*bytes.fromhex(truth))
    cache = lib.bcc_buildsymcache_new()
    found = bcc_symbol()
    assert lib.bcc_buildsymcache_resolve(cache, frame, found) == -1
    assert lib.bcc_buildsymcache_add_module(cache, LIBC) == 0
    assert lib.bcc_buildsymcache_add_module(cache, b"/no/such/file") == -1
    assert lib.bcc_buildsymcache_resolve(cache, frame, found) == 0
    assert b"malloc" in found.name and found.offset == 2
    assert ct.cast(found.module, ct.c_char_p).value == LIBC
    row("C bcc_buildsymcache_*", f"{found.name.decode()}+2")
    lib.bcc_symbol_free_demangle_name(found)
    lib.bcc_free_buildsymcache(cache)


def notes():
    """Probes of the interpreter by `readelf`: (provider, name) to location, semaphore, arguments."""
    pattern = (
        r"Provider: (\w+)\s+Name: (\w+)\s+Location: 0x(\w+), Base: \w+, Semaphore: 0x(\w+)"
        r"\s+Arguments: ?(.*)"
    )
    found = {}
    for provider, name, place, semaphore, args in re.findall(pattern, tool("readelf", "-n", PYTHON)):
        found.setdefault((provider, name), []).append(
            (int(place, 16), int(semaphore, 16), args.split())
        )
    return found


def test_usdt_probes_are_listed(row):
    truth = notes()
    if not truth:
        pytest.skip("this interpreter was built without probes")
    seen = {}

    @_USDT_CB
    def each(probe):
        p = probe.contents
        seen[(p.provider.decode(), p.name.decode())] = (p.num_locations, p.semaphore, p.num_arguments)
        assert p.bin_path == PYTHON

    context = lib.bcc_usdt_new_frompath(PYTHON)
    lib.bcc_usdt_foreach(context, each)
    assert seen == {
        key: (len(places), places[0][1], len(places[0][2])) for key, places in truth.items()
    }
    row("C bcc_usdt_new_frompath, bcc_usdt_foreach", f"{len(seen)} probes, as readelf")
    (provider, name), places = next(iter(truth.items()))
    location, argument = bcc_usdt_location(), bcc_usdt_argument()
    ask = (context, provider.encode(), name.encode())
    assert lib.bcc_usdt_get_location(*ask, 0, ct.byref(location)) == 0
    assert (location.address, location.bin_path) == (places[0][0], PYTHON)
    assert lib.bcc_usdt_get_location(*ask, 99, ct.byref(location)) == -1
    row("C bcc_usdt_get_location", hex(location.address))
    assert lib.bcc_usdt_get_argument(*ask, 0, 0, ct.byref(argument)) == 0
    size, _, operand = places[0][2][0].partition("@")
    assert argument.size == int(size)
    assert argument.base_register_name in operand.encode()
    row("C bcc_usdt_get_argument", f"{argument.size} bytes, {argument.base_register_name.decode()}")
    sign, bytes_ = ("int" if int(size) < 0 else "uint"), abs(int(size)) * 8
    ctype = lib.bcc_usdt_get_probe_argctype(context, ask[2], 0)
    assert ctype == f"{sign}{bytes_}_t".encode()
    assert lib.bcc_usdt_get_fully_specified_probe_argctype(*ask, 0) == ctype
    assert lib.bcc_usdt_get_probe_argctype(context, ask[2], 99) is None
    row("C bcc_usdt_get_probe_argctype", ctype)
    lib.bcc_usdt_close(context)
    assert lib.bcc_usdt_new_frompath(b"/no/such/file") is None


def test_usdt_probes_are_enabled(row):
    truth = notes()
    if ("python", "gc__start") not in truth:
        pytest.skip("this interpreter was built without probes")
    place, semaphore, _ = truth[("python", "gc__start")][0]
    context = lib.bcc_usdt_new_frompid(os.getpid(), None)
    assert lib.bcc_usdt_enable_probe(context, b"no_such", b"f") == -1
    assert lib.bcc_usdt_enable_probe(context, b"gc__start", b"f") == 0
    seen = []
    each = _USDT_PROBE_CB(lambda *call: seen.append(call))
    lib.bcc_usdt_foreach_uprobe(context, each)
    assert seen == [(PYTHON, b"f", place, os.getpid())]
    row("C bcc_usdt_enable_probe, foreach_uprobe", hex(place))
    again = (context, b"python", b"gc__done", b"g")
    assert lib.bcc_usdt_enable_fully_specified_probe(*again) == 0
    text = lib.bcc_usdt_genargs((ct.c_void_p * 1)(context), 1)
    assert b"_bpf_readarg_f_1" in text and b"_bpf_readarg_g_1" in text
    row("C bcc_usdt_genargs", "readers of f, g")
    # The interpreter is linked to fixed addresses, so its semaphore is where the note says.
    count = ct.c_uint16.from_address(semaphore)
    before = count.value
    assert lib.bcc_usdt_addsem_probe(context, b"gc__start", 3) == 0
    assert count.value == before + 3
    assert lib.bcc_usdt_addsem_fully_specified_probe(context, b"python", b"gc__start", -3) == 0
    assert count.value == before
    row("C bcc_usdt_addsem_probe", "+3, -3 in this process")
    lib.bcc_usdt_close(context)
    assert lib.bcc_usdt_new_frompid(2**22 + 5, None) is None


def test_libraries_and_modules_of_processes(row):
    assert freed(lib.bcc_procutils_which_so_in_process(b"c", os.getpid())) == LIBC
    assert not lib.bcc_procutils_which_so_in_process(b"no_such", os.getpid())
    row("C bcc_procutils_which_so_in_process", LIBC.decode())
    assert lib.bcc_procutils_language(os.getpid()) == b"python"
    row("C bcc_procutils_language", "python")
    seen = {}

    @_MODULE_CB
    def each(info, in_namespace, _payload):
        i = info.contents
        seen[i.name] = (i.start_addr, i.end_addr, i.file_offset, i.inode, in_namespace)
        return 0

    assert lib.bcc_procutils_each_module(os.getpid(), each, None) == 0
    line = next(
        line.split()
        for line in open("/proc/self/maps")
        if line.rstrip().endswith(LIBC.decode()) and "x" in line.split()[1]
    )
    start, end = (int(part, 16) for part in line[0].split("-"))
    assert seen[LIBC] == (start, end, int(line[2], 16), int(line[4]), 1)
    assert b"[vdso]" in seen
    assert lib.bcc_procutils_each_module(2**22 + 5, each, None) == -1
    row("C bcc_procutils_each_module", f"{len(seen)} modules, libc as in maps")
    offset, address = int(line[2], 16) + 0x10, ct.c_uint64()
    for by_inode in (0, 1):
        ask = (os.getpid(), LIBC, offset, by_inode, ct.byref(address))
        assert lib.bcc_resolve_global_addr(*ask) == 0 and address.value == start + 0x10
    assert lib.bcc_resolve_global_addr(os.getpid(), b"/no", 1, 0, ct.byref(address)) == -1
    row("C bcc_resolve_global_addr", hex(address.value))


def test_kernel_symbols_one_by_one(row):
    seen = {}
    each = _KSYM_CB(lambda name, _module, address, _payload: seen.setdefault(name, address))
    assert lib.bcc_procutils_each_ksym(each, None) == 0
    truth = next(line.split() for line in open("/proc/kallsyms") if line.endswith(" schedule\n"))
    assert seen[b"schedule"] == int(truth[0], 16)
    row("C bcc_procutils_each_ksym", f"{len(seen)} names, schedule as in kallsyms")


def test_perf_maps(row):
    path = ct.create_string_buffer(128)
    assert lib.bcc_perf_map_nstgid(os.getpid()) == os.getpid()
    assert lib.bcc_perf_map_path(path, 128, os.getpid())
    name = f"/tmp/perf-{os.getpid()}.map"
    assert path.value.decode().endswith(name) and not lib.bcc_perf_map_path(path, 5, os.getpid())
    assert lib.bcc_is_perf_map(name.encode()) == 1 and lib.bcc_is_perf_map(b"/tmp/x.map") == 0
    assert lib.bcc_is_valid_perf_map(name.encode()) == 0
    with open(name, "w") as out:
        out.write("7f00 10 one two\n8000 20 g\n")
    try:
        assert lib.bcc_is_valid_perf_map(name.encode()) == 1
        seen = []
        each = _ELF_SYM_CB(lambda name, start, size, _payload: seen.append((name, start, size)) or 0)
        assert lib.bcc_perf_map_foreach_sym(name.encode(), each, None) == 0
        assert seen == [(b"one two", 0x7F00, 0x10), (b"g", 0x8000, 0x20)]
    finally:
        os.unlink(name)
    row("C bcc_perf_map_*", seen)


def test_elf_files(row):
    fixed = tool("readelf", "-h", PYTHON).count("EXEC (Executable file)")
    assert lib.bcc_elf_is_exe(PYTHON) == 1 and lib.bcc_elf_is_exe(LIBC) == 0
    assert lib.bcc_elf_is_pie(PYTHON) == 1 - fixed and lib.bcc_elf_is_pie(LIBC) == 0
    assert lib.bcc_elf_is_shared_obj(LIBC) == 1 and lib.bcc_elf_is_shared_obj(b"/etc/passwd") == -1
    assert lib.bcc_elf_get_type(LIBC) == 3 and lib.bcc_elf_get_type(PYTHON) == (2 if fixed else 3)
    assert lib.bcc_elf_is_vdso(b"[vdso]") == 1 and lib.bcc_elf_is_vdso(b"vdso") == 0
    row("C bcc_elf_is_exe, _is_pie, _get_type", "as readelf -h")
    address, offset = ct.c_uint64(), ct.c_uint64()
    assert lib.bcc_elf_get_text_scn_info(LIBC, ct.byref(address), ct.byref(offset)) == 0
    truth = re.search(r"\.text\s+PROGBITS\s+(\w+)\s+(\w+)", tool("readelf", "-SW", LIBC))
    assert (address.value, offset.value) == tuple(int(part, 16) for part in truth.groups())
    row("C bcc_elf_get_text_scn_info", hex(address.value))
    parts = []
    each = _ELF_LOAD_CB(lambda *part: parts.append(part[:3]) or 0)
    assert lib.bcc_elf_foreach_load_section(LIBC, each, None) == 0
    loads = re.findall(
        r"LOAD\s+0x(\w+) 0x(\w+) 0x\w+ 0x\w+ 0x(\w+) R E", tool("readelf", "-lW", LIBC)
    )
    assert parts == [tuple(int(load[n], 16) for n in (1, 2, 0)) for load in loads]
    row("C bcc_elf_foreach_load_section", [tuple(map(hex, part)) for part in parts])
    symbols = {}
    each = _ELF_SYM_CB(lambda name, start, size, _: symbols.setdefault(name, (start, size)) and 0)
    assert lib.bcc_elf_foreach_sym(LIBC, each, None, None) == 0
    truth = re.search(r"(\w+)\s+(\d+) FUNC\s+\w+\s+DEFAULT\s+\d+ getppid@", tool("readelf", "-sW", LIBC))
    assert symbols[b"getppid"] == (int(truth.group(1), 16), int(truth.group(2)))
    row("C bcc_elf_foreach_sym", f"{len(symbols)} functions, getppid as readelf")
    vdso = []
    each = _ELF_SYM_CB(lambda name, *_: vdso.append(name) or 0)
    assert lib.bcc_elf_foreach_vdso_sym(each, None) == 0
    if platform.machine() == "x86_64":
        assert b"__vdso_clock_gettime" in vdso
    row("C bcc_elf_foreach_vdso_sym", f"{len(vdso)} functions")


def test_members_of_archives(row, tmp_path):
    path = str(tmp_path / "a.zip")
    with zipfile.ZipFile(path, "w") as made:
        made.writestr("lib/stored.so", b"contents")
        made.writestr("packed", b"x" * 1000, compress_type=zipfile.ZIP_DEFLATED)
    archive, entry = lib.bcc_zip_archive_open(path.encode()), bcc_zip_entry()
    assert lib.bcc_zip_archive_find_entry(archive, b"lib/stored.so", ct.byref(entry)) == 0
    assert ct.string_at(entry.data, entry.data_length) == b"contents"
    assert open(path, "rb").read()[entry.data_offset :].startswith(b"contents")
    assert entry.name[: entry.name_length] == b"lib/stored.so" and entry.compression == 0
    at = bcc_zip_entry()
    assert lib.bcc_zip_archive_find_entry_at_offset(archive, entry.data_offset + 3, ct.byref(at)) == 0
    assert at.name == entry.name
    assert lib.bcc_zip_archive_find_entry(archive, b"no_such", ct.byref(at)) == -1
    lib.bcc_zip_archive_close(archive)
    whole = (path + "!/lib/stored.so").encode()
    archive = lib.bcc_zip_archive_open_and_find(whole, ct.byref(entry))
    assert archive and entry.data_length == 8
    lib.bcc_zip_archive_close(archive)
    assert lib.bcc_zip_archive_open_and_find(path.encode() + b"!/no", ct.byref(entry)) is None
    assert lib.bcc_zip_archive_open(sys.executable.encode()) is None
    row("C bcc_zip_archive_*", "lib/stored.so, 8 bytes")
