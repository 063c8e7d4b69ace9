"""Tables: elements one by one and in batches, texts, queues."""

import ast
import ctypes as ct
import os

import pytest
from bcc import BPF, PerfSWConfig, PerfType, table
from counted import MINE


def test_table_methods(row):
    with BPF(text=b"BPF_HASH(t, u32, u64, 64);") as b:
        t = b[b"t"]
        t[ct.c_int(1)] = ct.c_ulonglong(10)
        t[t.Key(2)] = t.Leaf(20)
        assert t[t.Key(1)].value == 10 and len(t) == 2
        row("t[k], t[k] = v, len", "10, 2")
        assert sorted((k.value, v.value) for k, v in t.items()) == [(1, 10), (2, 20)]
        row("items, values, keys", "2 pairs")
        assert sorted((k.value, v.value) for k, v in t.items_lookup_batch()) == [(1, 10), (2, 20)]
        row("items_lookup_batch", "2 pairs")
        t.items_update_batch((t.Key * 2)(3, 4), (t.Leaf * 2)(30, 40))
        assert len(t) == 4
        row("items_update_batch", 4)
        t.items_delete_batch((t.Key * 1)(4))
        assert len(t) == 3
        row("items_delete_batch", 3)
        t.items_lookup_and_delete_batch()
        assert len(t) == 3
        assert len(list(t.items_lookup_and_delete_batch())) == 3 and len(t) == 0
        row("items_lookup_and_delete_batch", "a generator; 3, then 0")
        t[t.Key(9)] = t.Leaf(1)
        t.zero()
        assert t[t.Key(9)].value == 0
        t.clear()
        assert len(t) == 0
        row("zero, clear", "0")
        with pytest.raises(KeyError):
            t[t.Key(1)]
        assert t.key_sprintf(t.Key(5)) == b"0x5" and t.key_scanf(b"0x6").value == 6
        row("key_sprintf, key_scanf", "0x5, 6")


def test_queue_methods(row):
    with BPF(text=b"BPF_QUEUE(q, u64, 2); BPF_STACK(s, u64, 2);") as b:
        q, s = b[b"q"], b[b"s"]
        for table in (q, s):
            table.push(ct.c_uint64(1))
            table.push(ct.c_uint64(2))
        assert (q.peek().value, q.pop().value, s.pop().value) == (1, 1, 2)
        row("QueueStack push, peek, pop", "1 1 2")


def test_mapping_protocol(row):
    with BPF(text=b"BPF_HASH(t, u32, u64, 8);") as b:
        t = b[b"t"]
        t.update([(t.Key(1), t.Leaf(10)), (t.Key(2), t.Leaf(20))])
        assert t.get(t.Key(9), "none") == "none" and t.get(t.Key(1)).value == 10
        assert t.setdefault(t.Key(1), t.Leaf(5)).value == 10
        assert t.pop(t.Key(1)).value == 10 and t.Key(1) not in t
        key, leaf = t.popitem()
        assert (key.value, leaf.value, len(t)) == (2, 20, 0)
        row("get, setdefault, pop, popitem, in, update", "as a dict")
        t[t.Key(3)] = t.Leaf(30)
        assert [(k.value, v.value) for k, v in t.iteritems()] == [(3, 30)]
        assert [v.value for v in t.itervalues()] == [v.value for v in t.values()] == [30]
        assert [k.value for k in t.keys()] == [k.value for k in t] == [3]
        assert t.next(None).value == 3
        with pytest.raises(StopIteration):
            t.next(t.Key(3))
        row("iteritems, itervalues, keys, next", "3: 30")
        assert t.leaf_sprintf(t.Leaf(30)) == b"0x1e" and t.leaf_scanf(b"30").value == 30
        row("leaf_sprintf, leaf_scanf", "0x1e, 30")
        assert (t.map_fd, t.ttype, t.max_entries, t.flags) == (t.get_fd(), 1, 8, 0)
        row("map_fd, ttype, max_entries, flags", (t.ttype, t.max_entries, t.flags))
        with pytest.raises(TypeError):
            t.items_update_batch([1], [2])
        with pytest.raises(ValueError):
            t.items_update_batch((t.Key * 9)(), (t.Leaf * 9)())
        row("items_update_batch, bad arguments", "TypeError, ValueError")


def test_constants_of_the_module(row):
    assert (table.stars_max, table.log2_index_max, table.linear_index_max) == (40, 65, 1025)
    assert table.get_table_type_name(1) == table.map_type_name[1] == "HASH"
    assert table.get_table_type_name(999) == "<unknown>"
    row("bcc.table constants", "40, 65, 1025, HASH")


def test_json_histogram(row, capsys):
    with BPF(text=b"BPF_HISTOGRAM(h);") as b:
        b[b"h"][3] = ct.c_uint64(7)
        b[b"h"].print_json_hist("usecs")
        shown = ast.literal_eval(capsys.readouterr().out)
        assert shown["val_type"] == "usecs"
        assert shown["data"][-1] == {"interval-start": 4, "interval-end": 7, "count": 7}
        row("print_json_hist", shown["data"][-1])


def test_counters_of_the_kernel(row):
    text = b"BPF_PERF_ARRAY(clock, 1024); BPF_ARRAY(seen, u64, 1);"
    text += b"""TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) {
        if (bpf_get_current_pid_tgid() >> 32 != PID) return 0;
        int zero = 0; struct bpf_perf_event_value value = {};
        if (!clock.perf_counter_value(CUR_CPU_IDENTIFIER, &value, sizeof(value)))
            seen.update(&zero, &value.counter);
        return 0; }"""
    with BPF(text=text, cflags=MINE) as b:
        b[b"clock"].open_perf_event(PerfType.SOFTWARE, PerfSWConfig.TASK_CLOCK)
        sum(range(100_000))
        os.getpgid(0)
        assert b[b"seen"][0].value > 0
        row("open_perf_event, perf_counter_value", "task clock > 0")
        del b[b"clock"][0]
