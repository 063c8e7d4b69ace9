"""C functions about maps, programs and modules, called through ctypes as scripts of others do."""

import ctypes as ct
import errno
import os
import re
import subprocess

from bcc import BPF, lib
from bcc.libbcc import (
    _LOST_CB_TYPE,
    _RAW_CB_TYPE,
    bcc_create_map_attr,
    bpf_test_run_opts,
)

# r0 = 0; exit
RETURN_0 = bytes.fromhex("b700000000000000 9500000000000000")


def all_batches(read, fd, room):
    """Everything that a reader of batches gives, `room` elements at a time."""
    found, position, first = {}, ct.c_uint64(), True
    while True:
        keys, values, count = (ct.c_uint32 * room)(), (ct.c_uint64 * room)(), ct.c_uint32(room)
        start = None if first else ct.byref(position)
        status = read(fd, start, ct.byref(position), keys, values, ct.byref(count))
        found.update(zip(keys[: count.value], values[: count.value]))
        if status:
            assert ct.get_errno() == errno.ENOENT
            return found
        first = False


def test_batches_are_read_to_the_end(row):
    wanted = {n: n * n for n in range(1000)}
    with BPF(text="BPF_HASH(t, u32, u64, 2048); BPF_ARRAY(a, u64, 100);") as b:
        b["t"].items_update_batch(
            (ct.c_uint32 * 1000)(*wanted), (ct.c_uint64 * 1000)(*wanted.values())
        )
        fd, array = b["t"].get_fd(), b["a"].get_fd()
        assert all_batches(lib.bpf_lookup_batch, fd, 100) == wanted
        row("C bpf_lookup_batch", "1000 elements, 100 a call")
        b["a"][7] = ct.c_uint64(49)
        assert all_batches(lib.bpf_lookup_batch, array, 30)[7] == 49
        assert all_batches(lib.bpf_lookup_and_delete_batch, fd, 100) == wanted
        assert len(b["t"]) == 0
        row("C bpf_lookup_and_delete_batch", "1000 elements, then 0")
    assert lib.bpf_lookup_batch(-1, None, None, None, None, None) == -1


def test_maps_are_made(row):
    attr = bcc_create_map_attr(
        name=b"xattr", map_type=1, key_size=4, value_size=8, max_entries=3, map_flags=1
    )
    fd = lib.bcc_create_map_xattr(ct.byref(attr), True)
    info, length = ct.create_string_buffer(80), ct.c_uint(80)
    assert lib.bpf_obj_get_info_by_fd(fd, info, ct.byref(length)) == 0
    # struct bpf_map_info: type, id, key_size, value_size, max_entries, map_flags.
    words = ct.cast(info, ct.POINTER(ct.c_uint32))
    assert (words[0], words[2], words[3], words[4], words[5]) == (1, 4, 8, 3, 1)
    assert info.raw[24:40].rstrip(b"\0") == b"xattr"
    row("C bcc_create_map_xattr, bpf_obj_get_info_by_fd", "hash of 3, BPF_F_NO_PREALLOC")
    assert lib.bpf_obj_get_info(fd, info, ct.byref(ct.c_uint(80))) == 0
    os.close(fd)
    fd = lib.bpf_map_create(2, b"made", 4, 8, 5, None)
    key, value = ct.c_uint32(4), ct.c_uint64(44)
    assert lib.bpf_map_update_elem(fd, ct.byref(key), ct.byref(value), 0) == 0
    value.value = 0
    assert lib.bpf_map_lookup_elem(fd, ct.byref(key), ct.byref(value)) == 0
    assert value.value == 44
    assert lib.bpf_map_get_next_key(fd, ct.byref(key), ct.byref(key)) == -1
    assert lib.bpf_map_delete_elem(fd, ct.byref(key)) == -1 and ct.get_errno() == errno.EINVAL
    os.close(fd)
    row("C bpf_map_create, bpf_map_*_elem", "44 in an array of 5")


def test_programs_are_loaded_from_instructions(row):
    log = ct.create_string_buffer(4096)
    fd = lib.bcc_prog_load(1, b"mine", RETURN_0, 16, b"GPL", 0, 1, log, 4096)
    assert fd >= 0
    tag, computed = ct.c_uint64(), ct.c_uint64()
    assert lib.bpf_prog_get_tag(fd, ct.byref(tag)) == 0
    assert lib.bpf_prog_compute_tag(RETURN_0, 16, ct.byref(computed)) == 0
    shown = re.search(r"prog_tag:\s(\w+)", open(f"/proc/self/fdinfo/{fd}").read()).group(1)
    assert f"{computed.value:016x}" == f"{tag.value:016x}" == shown
    row("C bpf_prog_compute_tag, bpf_prog_get_tag", shown)
    packet = ct.create_string_buffer(64)
    opts = bpf_test_run_opts(
        sz=ct.sizeof(bpf_test_run_opts), data_in=ct.cast(packet, ct.c_void_p), data_size_in=64
    )
    opts.retval = 9
    assert lib.bpf_prog_test_run_opts(fd, ct.byref(opts)) == 0 and opts.retval == 0
    os.close(fd)
    row("C bcc_prog_load", "runs, returns 0")
    # exit without a result
    assert lib.bcc_prog_load(1, b"bad", RETURN_0[8:], 8, b"GPL", 0, 1, log, 4096) == -1
    assert b"R0 !read_ok" in log.value
    row("C bcc_prog_load, refused", log.value.decode().strip().splitlines()[-1][:40])

    class Opts(ct.Structure):
        _fields_ = [("sz", ct.c_size_t)] + [(f"word{n}", ct.c_uint32) for n in range(9)]

    # Word 1: expected_attach_type BPF_CGROUP_INET_EGRESS; word 4: no device.
    opts = Opts(ct.sizeof(Opts), 0, 1)
    fd = lib.bcc_prog_load_xattr(
        8, b"skb", b"GPL", RETURN_0, ct.byref(opts), 16, log, 4096, True
    )
    assert fd >= 0
    os.close(fd)
    row("C bcc_prog_load_xattr", "cgroup_skb/egress")


TEXT = b"""
struct key { u32 a; char name[8]; };
BPF_HASH(t, struct key, u64, 77);
struct event { u32 pid; char comm[16]; };
BPF_PERF_OUTPUT(events);
int f(void *ctx) {
    struct event e = { .pid = N };
    events.perf_submit(ctx, &e, sizeof(e));
    return 0;
}
"""


def test_module_of_a_text(row):
    flags = (ct.c_char_p * 1)(b"-DN=7")
    module = lib.bpf_module_create_c_from_string(TEXT, 0, flags, 1, True, None)
    assert module
    assert lib.bpf_num_functions(module) == 1 and lib.bpf_function_name(module, 0) == b"f"
    size = lib.bpf_function_size_id(module, 0)
    assert size > 0 and size == lib.bpf_function_size(module, b"f")
    assert ct.string_at(lib.bpf_function_start_id(module, 0), size)[-8:] == RETURN_0[8:]
    row("C bpf_module_create_c_from_string", f"f, {size // 8} instructions")
    assert lib.bpf_table_key_desc(module, b"t") == (
        b'["key", [["a", "unsigned int"], ["name", "char", [8]]], "struct_packed"]'
    )
    number = lib.bpf_table_id(module, b"t")
    assert lib.bpf_table_leaf_desc_id(module, number) == b'"unsigned long long"'
    assert lib.bpf_table_key_desc(module, b"no_such") is None
    row("C bpf_table_key_desc, leaf_desc", "JSON of struct key, u64")
    key, text = ct.create_string_buffer(12), ct.create_string_buffer(64)
    assert lib.bpf_table_key_sscanf(module, number, b'{ 0x5 "abc" }', key) == 0
    assert key.raw == b"\5\0\0\0abc\0\0\0\0\0"
    assert lib.bpf_table_key_snprintf(module, number, text, 64, key) == 0
    assert text.value == b'{ 0x5 "abc" }'
    leaf = ct.c_uint64()
    assert lib.bpf_table_leaf_sscanf(module, number, b"0x10", ct.byref(leaf)) == 0
    assert lib.bpf_table_leaf_snprintf(module, number, text, 64, ct.byref(leaf)) == 0
    assert (leaf.value, text.value) == (16, b"0x10")
    assert lib.bpf_table_leaf_snprintf(module, number, text, 3, ct.byref(leaf)) == -1
    assert lib.bpf_table_key_sscanf(module, number, b"nonsense", key) == -1
    row("C bpf_table_*_snprintf, _sscanf", '{ 0x5 "abc" }')
    fields = [
        lib.bpf_perf_event_field(module, b"events", n)
        for n in range(lib.bpf_perf_event_fields(module, b"events"))
    ]
    assert fields == [b"pid#u32", b"comm#char[16]"]
    row("C bpf_perf_event_fields, _field", fields)
    table = lib.bpf_table_fd(module, b"t")
    assert os.path.exists(f"/proc/self/fd/{table}")
    lib.bpf_module_destroy(module)
    assert not os.path.exists(f"/proc/self/fd/{table}")
    row("C bpf_module_destroy", "its tables are closed")
    assert lib.bpf_module_create_c_from_string(b"int f(", 0, None, 0, True, None) is None


def test_module_of_a_file(row, tmp_path, compiles_here):
    (tmp_path / "inner.h").write_text("#define N 3\n")
    (tmp_path / "outer.c").write_text('#include "inner.h"\nBPF_ARRAY(t, u64, N);\n')
    module = lib.bpf_module_create_c(str(tmp_path / "outer.c").encode(), 0, None, 0, True, None)
    assert lib.bpf_table_max_entries(module, b"t") == 3
    lib.bpf_module_destroy(module)
    row("C bpf_module_create_c", "a file and its include")


def test_paths_of_a_bpffs(row, tmp_path):
    deep = tmp_path / "a" / "b" / "pin"
    assert lib.bcc_make_parent_dir(str(deep).encode()) == 0
    assert deep.parent.is_dir() and deep.parent.stat().st_mode & 0o777 == 0o700
    assert lib.bcc_check_bpffs_path(str(deep).encode()) == -1
    row("C bcc_make_parent_dir, bcc_check_bpffs_path", "0700; not on a bpffs")
    mounted = subprocess.run(["mount", "-t", "bpf", "none", deep.parent], capture_output=True)
    if mounted.returncode == 0:
        try:
            assert lib.bcc_check_bpffs_path(str(deep).encode()) == 0
            row("C bcc_check_bpffs_path on a bpffs", "0")
        finally:
            subprocess.run(["umount", deep.parent], check=True)
    assert lib.bcc_free_memory() == 0
    assert lib.kernel_enum_has_val(b"bpf_map_type", b"BPF_MAP_TYPE_HASH") == 1
    assert lib.kernel_enum_has_val(b"bpf_map_type", b"NO_SUCH") == 0
    assert lib.kernel_enum_has_val(b"no_such_enum", b"X") == -1
    row("C kernel_enum_has_val", "1, 0, -1")


def test_a_perf_reader_made_in_steps(row):
    text = b"BPF_PERF_OUTPUT(e); TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) { u64 n = 77; "
    text += b"if (bpf_get_current_pid_tgid() >> 32 == PID) e.perf_submit(args, &n, 8); return 0; }"
    seen = []

    @_RAW_CB_TYPE
    def raw(_cookie, data, size):
        seen.append(ct.cast(data, ct.POINTER(ct.c_uint64))[0])

    cpu = min(os.sched_getaffinity(0))
    with BPF(text=text, cflags=[f"-DPID={os.getpid()}"]) as b:
        # Software event BPF_OUTPUT with raw samples, as perf_event_open(2) wants it.
        attr = ct.create_string_buffer(128)
        ct.memmove(attr, bytes.fromhex("01000000 80000000 0a00000000000000 0100000000000000"), 24)
        ct.memmove(ct.byref(attr, 24), (0x400).to_bytes(8, "little"), 8)
        ct.memmove(ct.byref(attr, 48), (1).to_bytes(4, "little"), 4)
        fd = ct.CDLL(None, use_errno=True).syscall(298, attr, -1, cpu, -1, 0)
        assert fd >= 0, os.strerror(ct.get_errno())
        reader = lib.perf_reader_new(raw, ct.cast(None, _LOST_CB_TYPE), None, 8)
        assert lib.perf_reader_fd(reader) == -1 and lib.perf_reader_mmap(reader) == -1
        lib.perf_reader_set_fd(reader, fd)
        assert lib.perf_reader_mmap(reader) == 0 and lib.perf_reader_fd(reader) == fd
        b["e"][ct.c_int(cpu)] = ct.c_int(fd)
        before = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {cpu})
        os.getpgid(0)
        os.sched_setaffinity(0, before)
        assert lib.perf_reader_poll(1, (ct.c_void_p * 1)(reader), 1000) == 1
        lib.perf_reader_free(reader)
        assert not os.path.exists(f"/proc/self/fd/{fd}")
    assert seen == [77]
    row("C perf_reader_new, set_fd, mmap, poll, free", "77")
