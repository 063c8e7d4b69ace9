"""Tables: elements one by one and in batches, texts, queues."""

import ctypes as ct

import pytest
from bcc import BPF


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
