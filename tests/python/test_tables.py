"""Tables of every kind, from user space only."""

import ctypes as ct
import socket
import struct

import pytest
from bcc import BPF
from bcc.table import PerCpuArray, QueueStack


@pytest.fixture
def table():
    """Compiles one table's declaration; gives the table."""
    made = []

    def make(declaration, name="t", **kwargs):
        made.append(BPF(text=declaration))
        return made[-1].get_table(name, **kwargs)

    yield make
    for b in made:
        b.cleanup()


def test_hash_is_a_mapping_of_ctypes_objects(table):
    t = table("BPF_HASH(t, u32, u64);")
    t[ct.c_int(5)] = ct.c_ulonglong(50)
    t[t.Key(7)] = t.Leaf(70)
    assert t[t.Key(5)].value == 50
    assert sorted((k.value, v.value) for k, v in t.items()) == [(5, 50), (7, 70)]
    assert sorted(v.value for v in t.values()) == [50, 70]
    assert sorted(k.value for k in t) == sorted(k.value for k in t.keys()) == [5, 7]
    assert sorted((k.value, v.value) for k, v in t.iteritems()) == [(5, 50), (7, 70)]
    assert len(t) == 2 and t.Key(7) in t and t.Key(8) not in t
    del t[t.Key(5)]
    with pytest.raises(KeyError):
        t[t.Key(5)]
    with pytest.raises(KeyError):
        del t[t.Key(5)]
    assert t.get(t.Key(5), "none") == "none"
    assert t.pop(t.Key(7)).value == 70
    assert len(t) == 0


def test_hash_clear_and_zero(table):
    t = table("BPF_HASH(t, u32, u64, 64);")
    for n in range(64):
        t[t.Key(n)] = t.Leaf(n + 1)
    t.zero()
    assert [v.value for v in t.values()] == [0] * 64
    with pytest.raises(Exception, match="Could not update table"):
        t[t.Key(1000)] = t.Leaf(0)
    t.clear()
    assert t.items() == []


def test_next_walks_in_the_kernels_order(table):
    t = table("BPF_HASH(t, u32, u64);")
    with pytest.raises(StopIteration):
        t.next(None)
    for n in range(3):
        t[t.Key(n)] = t.Leaf(n)
    walked, key = [], None
    with pytest.raises(StopIteration):
        while True:
            key = t.next(key)
            walked.append(key.value)
    assert sorted(walked) == [0, 1, 2]


def test_struct_keys_and_leaves(table):
    t = table("""
        struct key_t { u32 pid; char comm[16]; u64 addr; };
        struct leaf_t { u8 flag; u16 port; u64 bytes; };
        BPF_HASH(t, struct key_t, struct leaf_t);""")
    assert (t.Key.__name__, ct.sizeof(t.Key), ct.sizeof(t.Leaf)) == ("key_t", 32, 16)
    t[t.Key(pid=1, comm=b"cat", addr=2**63)] = t.Leaf(flag=1, port=80, bytes=5)
    ((key, leaf),) = t.items()
    assert (key.pid, key.comm, key.addr) == (1, b"cat", 2**63)
    assert (leaf.flag, leaf.port, leaf.bytes) == (1, 80, 5)


def test_anonymous_union_members_are_reachable(table):
    t = table("""
        struct key_t { u64 id; union { u32 v4; u8 v6[16]; }; };
        BPF_HASH(t, struct key_t, u64);""")
    key = t.Key(id=1)
    key.v4 = 0x01020304
    assert bytes(key.v6)[:4] == b"\x04\x03\x02\x01"


def test_array_takes_integers(table):
    t = table("BPF_ARRAY(t, u64, 8);")
    t[2] = t.Leaf(22)
    t[-1] = t.Leaf(77)
    assert (t[2].value, t[ct.c_int(2)].value, t[7].value, t[-1].value) == (22, 22, 77, 77)
    assert len(t) == 8 and len(t.items()) == 8
    for bad in (8, -9):
        with pytest.raises(IndexError):
            t[bad]
    with pytest.raises(IndexError):
        t["2"]
    del t[2]
    assert t[2].value == 0
    t.clearitem(7)
    assert t[7].value == 0


def test_per_cpu_leaves_are_arrays(table):
    t = table("BPF_PERCPU_ARRAY(t, u64, 2);")
    assert isinstance(t, PerCpuArray)
    leaf = t.Leaf()
    for cpu in range(len(leaf)):
        leaf[cpu] = cpu + 1
    t[1] = leaf
    total = sum(range(1, len(leaf) + 1))
    assert list(t[1]) == list(range(1, len(leaf) + 1))
    assert (t.sum(1).value, t.max(1).value, t.average(1)) == (total, len(leaf), total / len(leaf))


def test_per_cpu_u32_is_widened_and_odd_sizes_are_refused(table):
    t = table('BPF_TABLE("percpu_hash", u32, u32, t, 4);')
    t[t.Key(1)] = t.Leaf(*[3] * len(t.Leaf()))
    assert t.sum(t.Key(1)).value == 3 * len(t.Leaf())
    with pytest.raises(IndexError, match="Leaf must be aligned to 8 bytes"):
        table('BPF_TABLE("percpu_array", u32, u16, t, 4);')


def test_reducer_folds_per_cpu_leaves(table):
    t = table("BPF_PERCPU_HASH(t, u32, u64);", reducer=lambda x, y: x + y)
    leaf = t.Leaf(*[5] * len(t.Leaf()))
    t[t.Key(1)] = leaf
    assert t[t.Key(1)] == sum(leaf) and t.values() == [sum(leaf)]


def test_lru_evicts(table):
    t = table('BPF_TABLE("lru_hash", u64, u64, t, 16);')
    for n in range(64):
        t[t.Key(n)] = t.Leaf(n)
    assert 0 < len(t.items()) <= 16


def test_lpm_trie_finds_the_longest_prefix(table):
    t = table("struct key_t { u32 prefixlen; u32 ip; }; BPF_LPM_TRIE(t, struct key_t, u64, 16);")

    def key(prefix, ip):
        return t.Key(prefix, struct.unpack("=I", socket.inet_aton(ip))[0])

    t[key(8, "10.0.0.0")] = t.Leaf(8)
    t[key(24, "10.1.2.0")] = t.Leaf(24)
    assert (t[key(32, "10.1.2.3")].value, t[key(32, "10.9.9.9")].value) == (24, 8)
    with pytest.raises(KeyError):
        t[key(32, "11.0.0.1")]
    with pytest.raises(NotImplementedError):
        len(t)


@pytest.mark.parametrize(("kind", "order"), [("QUEUE", [1, 2, 3]), ("STACK", [3, 2, 1])])
def test_queue_and_stack(table, kind, order):
    t = table(f"BPF_{kind}(t, u64, 3);")
    for n in (1, 2, 3):
        t.push(t.Leaf(n))
    with pytest.raises(Exception, match="Could not push to table"):
        t.push(t.Leaf(4))
    assert t.peek().value == order[0]
    assert [leaf.value for leaf in t.values()] == order
    with pytest.raises(KeyError):
        t.pop()
    for n in range(5):
        t.push(t.Leaf(n), QueueStack.BPF_EXIST)
    assert len(t.values()) == 3


def test_flags_are_visible(table):
    assert table('BPF_F_TABLE("lru_hash", int, u64, t, 1024, BPF_F_NO_COMMON_LRU);').flags == 2
    assert table('BPF_F_TABLE("hash", int, u64, t, 1024, BPF_F_NO_PREALLOC);').flags == 1


def fill(t, count):
    keys, leaves = (t.Key * count)(*range(count)), (t.Leaf * count)(*range(0, 2 * count, 2))
    t.items_update_batch(keys, leaves)
    return keys


def pairs(items):
    return sorted((k.value, v.value) for k, v in items)


def test_batches(table):
    t = table("BPF_HASH(t, int, int, 1024);")
    keys = fill(t, 1024)
    expected = [(n, 2 * n) for n in range(1024)]
    assert pairs(t.items_lookup_batch()) == pairs(t.items()) == expected
    t.items_delete_batch((t.Key * 24)(*keys[:24]))
    assert pairs(t.items_lookup_batch()) == expected[24:]
    unread = t.items_lookup_and_delete_batch()
    assert len(t) == 1000
    assert pairs(unread) == expected[24:] and len(t) == 0
    fill(t, 10)
    t.items_delete_batch()
    assert list(t.items_lookup_batch()) == []


def test_batches_check_their_arguments(table):
    t = table("BPF_HASH(t, int, int, 4);")
    with pytest.raises(TypeError):
        t.items_update_batch([1], [2])
    with pytest.raises(ValueError):
        t.items_update_batch((t.Key * 2)(), (t.Leaf * 1)())
    with pytest.raises(ValueError):
        t.items_delete_batch((t.Key * 5)())


def test_stack_trace_of_an_unknown_id_is_a_key_error(table):
    t = table("BPF_STACK_TRACE(t, 128);")
    with pytest.raises(KeyError):
        t.walk(5)
    assert len(t) == 0 and t.MAX_DEPTH == 127


def test_prog_array_holds_functions(no_leak):
    with BPF(text="BPF_PROG_ARRAY(t, 4); int f(struct xdp_md *ctx) { return 1; }") as b:
        t = b["t"]
        t[0] = b.load_func("f", BPF.XDP)
        assert t[0].value > 0
        del t[0]
        with pytest.raises(KeyError):
            t[0]


def test_map_in_map_takes_maps_of_its_template(no_leak):
    text = """
        BPF_HASH(inner, int, int, 4);
        BPF_HASH(good, int, int, 4);
        BPF_HASH(bad, u64, int, 4);
        BPF_ARRAY_OF_MAPS(t, "inner", 4);
    """
    with BPF(text=text) as b:
        b["t"][1] = b["good"].get_fd()
        assert b["t"][1].value > 0
        with pytest.raises(Exception, match="Invalid argument"):
            b["t"][0] = b["bad"].get_fd()


def test_cgroup_array_takes_paths(no_leak, cgroup2):
    with BPF(text="BPF_CGROUP_ARRAY(t, 2);") as b:
        b["t"][0] = cgroup2
        with pytest.raises(Exception, match="either FD or cgroup path"):
            b["t"][1] = 1.5


def test_tables_are_cached_under_the_key_given(no_leak):
    with BPF(text="BPF_HASH(t);") as b:
        assert b["t"] is b["t"] and b["t"] is not b[b"t"]
        assert len(b) == 2 and set(b) == {"t", b"t"}
        del b["t"]
        assert list(b) == [b"t"]
        with pytest.raises(KeyError):
            b["u"]


def test_unknown_kinds_have_no_class():
    with BPF(text="BPF_SOCKMAP(t, 4);") as b, pytest.raises(Exception, match="Unknown table type 15"):
        b["t"]


def test_public_tables_are_shared(run_python):
    # Published for as long as the process lives, so this one ends.
    done = run_python("""if True:
        import ctypes as ct
        from bcc import BPF
        with (
            BPF(text=b'BPF_TABLE_PUBLIC("hash", u32, u64, shared_t, 8);') as one,
            BPF(text=b'BPF_TABLE("extern", u32, u64, shared_t, 8);') as other,
        ):
            other[b"shared_t"][ct.c_uint(1)] = ct.c_ulonglong(9)
            other.cleanup()
            print(one[b"shared_t"][ct.c_uint(1)].value)
    """)
    assert (done.returncode, done.stdout) == (0, "9\n"), done.stderr


def test_key_and_leaf_text(table):
    t = table("struct leaf_t { int a; char c[4]; u8 b[3]; }; BPF_HASH(t, u32, struct leaf_t);")
    assert t.key_sprintf(t.Key(255)) == b"0xff"
    assert t.key_scanf(b"0x10").value == 16
    leaf = t.leaf_scanf(b'{ 0x1 "abc" "x" }')
    assert (leaf.a, leaf.c) == (1, b"abc")
