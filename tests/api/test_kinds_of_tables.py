"""Tables by their kinds: what each does beyond a hash."""

import ctypes as ct
import multiprocessing
import os
import socket
import struct
import subprocess
import sys
import threading

import pytest
from bcc import BPF, lib
from bcc.utils import get_possible_cpus
from counted import MINE


def test_arrays_take_numbers(row):
    with BPF(text=b"BPF_ARRAY(t, u64, 4); BPF_HISTOGRAM(h, int);") as b:
        t = b[b"t"]
        t[-1] = ct.c_uint64(9)
        assert (t[3].value, t[ct.c_int(3)].value, len(t)) == (9, 9, 4)
        for index in (4, -5, 1.5):
            with pytest.raises(IndexError):
                t[index]
        del t[3]
        assert t[3].value == 0
        row("Array: int keys, negative, IndexError, del zeroes", "9, 0")
        t[1] = ct.c_uint64(5)
        t.clearitem(1)
        assert t[1].value == 0
        row("ArrayBase.clearitem", 0)


def test_per_cpu(row):
    cpus = len(get_possible_cpus())
    with BPF(text=b"BPF_PERCPU_ARRAY(a, u64, 2); BPF_PERCPU_HASH(h, u32, u32, 8);") as b:
        a, h = b[b"a"], b[b"h"]
        values = (a.Leaf)(*range(1, cpus + 1))
        a[1] = values
        assert list(a[1]) == list(range(1, cpus + 1))
        total = sum(range(1, cpus + 1))
        assert (a.sum(1).value, a.max(1).value, a.average(1)) == (total, cpus, total / cpus)
        row("PerCpuArray sum, max, average", f"{total}, {cpus}, {total / cpus}")
        h[ct.c_uint32(7)] = (h.Leaf)(*([3] * cpus))
        assert sum(h.getvalue(ct.c_uint32(7))) == 3 * cpus
        row("PerCpuHash of u32, getvalue", f"{cpus} times 3")
        reduced = b.get_table(b"a", reducer=lambda x, y: x + y)
        assert reduced[1] == total
        row("get_table reducer", total)


def test_longest_prefix(row):
    with BPF(text=b"struct key { u32 len; u8 ip[4]; }; BPF_LPM_TRIE(t, struct key, u64, 16);") as b:
        t = b[b"t"]

        def key(length, *ip):
            return t.Key(length, (ct.c_ubyte * 4)(*ip))

        t[key(8, 10, 0, 0, 0)] = ct.c_uint64(8)
        t[key(24, 10, 1, 2, 0)] = ct.c_uint64(24)
        assert t[key(32, 10, 1, 2, 3)].value == 24 and t[key(32, 10, 9, 9, 9)].value == 8
        with pytest.raises(KeyError):
            t[key(32, 11, 0, 0, 0)]
        with pytest.raises(NotImplementedError):
            len(t)
        row("LpmTrie", "24, 8, KeyError")


def test_least_recently_used(row):
    with BPF(text=b'BPF_TABLE("lru_hash", u32, u64, t, 16);') as b:
        for n in range(1000):
            b[b"t"][ct.c_uint32(n)] = ct.c_uint64(n)
        assert 0 < len(b[b"t"]) <= 16
        row("LruHash", f"{len(b[b't'])} of 1000 are left")


def test_maps_in_maps(row):
    text = b"""
    BPF_ARRAY(one, u64, 2); BPF_ARRAY(other, u64, 2); BPF_HASH(unlike, u64, u64, 2);
    BPF_ARRAY_OF_MAPS(array, "one", 4); BPF_HASH_OF_MAPS(hash, u32, "one", 4);
    int f(struct __sk_buff *skb) {
        int zero = 0, one = 1;
        void *inner = array.lookup(&zero);
        if (!inner) return -1;
        u64 *value = bpf_map_lookup_elem_(inner, &one);
        return value ? *value : -2;
    }
    """.replace(b"bpf_map_lookup_elem_", b"bpf_map_lookup_elem")
    with BPF(text=text) as b:
        f = b.load_func(b"f", BPF.SOCKET_FILTER)
        assert f.test_run(bytes(64))[0] == 2**32 - 1
        b[b"other"][1] = ct.c_uint64(77)
        b[b"array"][0] = ct.c_int(b[b"other"].get_fd())
        assert f.test_run(bytes(64))[0] == 77
        row("MapInMapArray, read by a program", 77)
        b[b"hash"][ct.c_uint32(5)] = ct.c_int(b[b"one"].get_fd())
        assert b[b"hash"][ct.c_uint32(5)].value == b[b"one"].info()["id"]
        row("MapInMapHash", "the inner map's id")
        with pytest.raises(Exception, match="Could not update table"):
            b[b"array"][1] = ct.c_int(b[b"unlike"].get_fd())
        del b[b"array"][0]
        assert f.test_run(bytes(64))[0] == 2**32 - 1
        row("map-in-map: unlike the template, removed", "refused; gone")


def test_tail_calls(row):
    text = b"""BPF_PROG_ARRAY(progs, 4);
    int leaf(struct __sk_buff *skb) { return 5; }
    int root(struct __sk_buff *skb) { progs.call(skb, 2); return 1; }"""
    with BPF(text=text) as b:
        root = b.load_func(b"root", BPF.SOCKET_FILTER)
        leaf = b.load_func(b"leaf", BPF.SOCKET_FILTER)
        assert root.test_run(bytes(64))[0] == 1
        b[b"progs"][ct.c_int(2)] = leaf
        assert root.test_run(bytes(64))[0] == 5
        del b[b"progs"][ct.c_int(2)]
        assert root.test_run(bytes(64))[0] == 1
        b[b"progs"][2] = ct.c_int(leaf.fd)
        assert root.test_run(bytes(64))[0] == 5
    row("ProgArray: Function or fd, tail call", "1, 5, 1, 5")


SHARED = """
import ctypes as ct
from bcc import BPF
with BPF(text=b'BPF_TABLE_PUBLIC("hash", u32, u64, shared_table, 8);') as owner:
    user = BPF(text=b'BPF_TABLE("extern", u32, u64, shared_table, 8);')
    owner[b"shared_table"][ct.c_uint32(1)] = ct.c_uint64(11)
    print(user[b"shared_table"][ct.c_uint32(1)].value)
    user.cleanup()
    owner[b"shared_table"][ct.c_uint32(2)] = ct.c_uint64(22)
    print(len(owner[b"shared_table"]))
"""


def test_shared_between_objects(row):
    # In a process of its own: what is published stays as long as the process.
    done = subprocess.run([sys.executable, "-c", SHARED], capture_output=True, text=True)
    assert done.stdout == "11\n2\n", done.stderr
    row("BPF_TABLE_PUBLIC, extern", "11; usable after the user's end")


def test_pinned(row, tmp_path):
    if subprocess.run(["mount", "-t", "bpf", "none", tmp_path], capture_output=True).returncode:
        pytest.skip("no bpffs here")
    try:
        path = tmp_path / "deep" / "table"
        text = b'BPF_TABLE_PINNED("hash", u32, u64, t, 8, "%s");' % os.fsencode(path)
        with BPF(text=text) as b:
            b[b"t"][ct.c_uint32(1)] = ct.c_uint64(11)
        with BPF(text=text) as b:
            assert b[b"t"][ct.c_uint32(1)].value == 11
        assert path.exists()
        row("BPF_TABLE_PINNED", "11 in a second object")
    finally:
        subprocess.run(["umount", tmp_path], check=True)


def test_types_of_keys_and_values_are_known_to_the_kernel(row):
    with BPF(text=b"struct leaf { u64 a; }; BPF_HASH(t, u32, struct leaf, 8);") as b:
        assert b[b"t"].info()["btf_id"] > 0
    row("BTF of keys and values", "btf_id > 0")


def descriptor(b, name):
    return lib.bpf_table_fd(b.module, name)


def update(fd, key, value):
    return lib.bpf_update_elem(fd, ct.byref(key), ct.byref(value), 0)


def test_storage(row):
    text = b"BPF_SK_STORAGE(s, u64); BPF_INODE_STORAGE(i, u64); BPF_TASK_STORAGE(t, u64);"
    with BPF(text=text) as b, socket.socket() as sock, open(__file__) as file:
        owners = {b"s": sock.fileno(), b"i": file.fileno(), b"t": os.pidfd_open(os.getpid())}
        for name, owner in owners.items():
            fd, value = descriptor(b, name), ct.c_uint64(0)
            assert update(fd, ct.c_int(owner), ct.c_uint64(31)) == 0
            assert lib.bpf_lookup_elem(fd, ct.byref(ct.c_int(owner)), ct.byref(value)) == 0
            assert value.value == 31
            row(f"storage of a {dict(s='socket', i='file', t='task')[name.decode()]}", 31)
        os.close(owners[b"t"])
        with pytest.raises(Exception, match="Unknown table type"):
            b[b"s"]


def test_sockets(row):
    text = b"BPF_SOCKMAP(m, 4); BPF_SOCKHASH(h, u32, 4);"
    with BPF(text=text) as b, socket.create_server(("127.0.0.1", 0)) as listener:
        with socket.create_connection(listener.getsockname()) as sock:
            for name in (b"m", b"h"):
                fd = descriptor(b, name)
                assert update(fd, ct.c_uint32(0), ct.c_int(sock.fileno())) == 0
                assert lib.bpf_delete_elem(fd, ct.byref(ct.c_uint32(0))) == 0
                assert lib.bpf_delete_elem(fd, ct.byref(ct.c_uint32(0))) == -1
    row("sockmap, sockhash", "in, out, gone")


def test_devices_and_cpus(row):
    with BPF(text=b"BPF_DEVMAP(d, 4); BPF_CPUMAP(c, 1);") as b:
        b[b"d"][0] = ct.c_int(socket.if_nametoindex("lo"))
        b[b"c"][0] = ct.c_uint32(192)
        assert (b[b"d"][0].value, b[b"c"][0].value) == (1, 192)
    row("DevMap, CpuMap", "lo, 192")


def test_cgroups(row, tmp_path):
    subprocess.run(["mount", "-t", "cgroup2", "none", tmp_path], check=True)
    group = tmp_path / f"bcc_kinds_{os.getpid()}"
    try:
        group.mkdir()
        with BPF(text=b"BPF_CGROUP_ARRAY(t, 2);") as b:
            b[b"t"][0] = str(group)
            fd = os.open(group, os.O_RDONLY)
            b[b"t"][1] = fd
            os.close(fd)
            with pytest.raises(Exception, match="either FD or cgroup path"):
                b[b"t"][0] = 1.5
        row("CgroupArray", "by path, by descriptor")
    finally:
        group.rmdir()
        subprocess.run(["umount", tmp_path], check=True)


def test_big_maps(row):
    with BPF(text=b"BPF_HASH(t, u32, u64, 100000);") as b:
        t = b[b"t"]
        wanted = {n: n * 3 for n in range(100_000)}
        t.items_update_batch((t.Key * 100_000)(*wanted), (t.Leaf * 100_000)(*wanted.values()))
        assert {k.value: v.value for k, v in t.items()} == wanted
        assert len(t) == 100_000
    row("items() of a big map", "100000 as written")


def test_reading_while_the_kernel_writes(row):
    text = b"""BPF_HASH(t, u64, u64, 4096);
    TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) {
        if (bpf_get_current_pid_tgid() >> 32 != PID) return 0;
        u64 key = bpf_get_prandom_u32() & 1023, one = 1;
        if (key & 1) t.update(&key, &one); else t.delete(&key);
        return 0;
    }"""
    with BPF(text=text, cflags=MINE) as b:
        over = threading.Event()

        def write():
            while not over.is_set():
                os.getpgid(0)

        writer = threading.Thread(target=write)
        writer.start()
        try:
            while len(b[b"t"]) < 100:
                pass
            for _ in range(50):
                items = b[b"t"].items()
                assert all(k.value % 2 == 1 and v.value == 1 for k, v in items)
                assert sum(1 for _ in b[b"t"].keys()) > 0
        finally:
            over.set()
            writer.join()
        row("items(), keys() while the kernel writes", f"{len(items)} right ones")


def test_stack_traces(row):
    text = b"""BPF_STACK_TRACE(s, 64); BPF_STACK_TRACE_BUILDID(i, 64); BPF_ARRAY(at, int, 2);
    TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) {
        int zero = 0, one = 1;
        if (bpf_get_current_pid_tgid() >> 32 != PID) return 0;
        int user = s.get_stackid(args, BPF_F_USER_STACK), id = i.get_stackid(args, BPF_F_USER_STACK);
        at.update(&zero, &user); at.update(&one, &id);
        return 0;
    }"""
    with BPF(text=text, cflags=MINE) as b:
        os.getpgid(0)
        names = [b.sym(addr, os.getpid()) for addr in b[b"s"].walk(b[b"at"][0].value)]
        assert b"getpgid" in names[0]
        row("StackTrace.walk", names[0].decode())
        frames = list(b[b"i"].walk(b[b"at"][1].value))
        BPF.add_module(os.path.realpath("/lib/x86_64-linux-gnu/libc.so.6"))
        with pytest.warns(UserWarning, match="/no/such/file"):
            BPF.add_module("/no/such/file")
        assert frames[0].status in (1, 2)
        row("StackTrace.walk by build-id", b.sym(frames[0], -1).decode())
        with pytest.raises(KeyError):
            list(b[b"s"].walk(12345))


def test_histograms(row, capsys):
    with BPF(text=b"BPF_HISTOGRAM(h); struct k { u32 who; u64 slot; }; BPF_HISTOGRAM(s, struct k);") as b:
        b[b"h"][3] = ct.c_uint64(7)
        b[b"h"].print_log2_hist("n")
        assert "         4 -> 7          : 7        |****************************************|" in (
            capsys.readouterr().out
        )
        s = b[b"s"]
        s[s.Key(who=5, slot=2)] = ct.c_uint64(1)
        s.print_log2_hist("n", "who")
        assert "\nwho = 5\n" in capsys.readouterr().out
        b[b"h"].print_linear_hist("n")
        assert "        3          : 7        |****" in capsys.readouterr().out
    row("print_log2_hist, print_linear_hist", "rows of 40 stars")


def _child(number):
    with BPF(text=b"BPF_HASH(t, u32, u64);") as b:
        b[b"t"][ct.c_uint32(number)] = ct.c_uint64(number * 2)
        return b[b"t"][ct.c_uint32(number)].value


def test_pool_of_processes(row):
    with multiprocessing.get_context("fork").Pool(2) as pool:
        assert pool.map(_child, [1, 2, 3]) == [2, 4, 6]
    row("multiprocessing.Pool", [2, 4, 6])


def test_packed_keys(row):
    with BPF(text=b"struct key { u8 a; u32 b; char c[3]; }; BPF_HASH(t, struct key, u64);") as b:
        t = b[b"t"]
        assert ct.sizeof(t.Key) == 12
        t[t.Key(a=1, b=2, c=b"xy")] = ct.c_uint64(5)
        ((key, _),) = t.items()
        assert (key.a, key.b, key.c) == (1, 2, b"xy")
        assert bytes(key) == struct.pack("=BxxxI3sx", 1, 2, b"xy\0")
    row("struct keys with holes", "padding is zero")
