//! What the table methods and the builtins do, seen in the running kernel.

use crate::support::{Loaded, load_dialect, thread_id};
use bcc_core::Bpf;
use bcc_core::events::RingBuffer;
use bcc_sys::bpf::ProgType;
use bcc_sys::bpf::object::{TestRun, prog_test_run};
use std::os::fd::AsFd;

/// Loads `maps` and one raw tracepoint program `f` with `body`, and runs it once.
fn run(maps: &str, body: &str) -> (Loaded, u32) {
    let text = format!("{maps}\nint f(struct bpf_raw_tracepoint_args *ctx) {{\n{body}\n}}\n");
    let module = load_dialect(&text);
    let value = module.run("f", &[7, 8]);
    (module, value)
}

#[test]
fn increment_takes_its_key_by_value_and_adds_one_or_more() {
    let (module, _) = run(
        "BPF_HASH(h, u32, u64);",
        "h.increment(3); h.increment(3); h.increment(4, 10); h.increment(4, -3); return 0;",
    );
    assert_eq!(module.value("h", 3), Some(2));
    assert_eq!(module.value("h", 4), Some(7));
    assert_eq!(module.value("h", 5), None);
}

#[test]
fn increment_adds_a_missing_key_to_a_plain_hash_only() {
    let (module, _) = run(
        "BPF_TABLE(\"lru_hash\", u32, u64, lru, 16); BPF_HISTOGRAM(by_key, u32);\n\
         BPF_HISTOGRAM(slots); BPF_ARRAY(a, u64, 8);",
        "lru.increment(1); by_key.increment(1); slots.increment(bpf_log2l(100)); a.increment(2, 5);\n\
         u32 k = 2; u64 one = 1; lru.update(&k, &one); lru.increment(k); return 0;",
    );
    assert_eq!(module.value("lru", 1), None);
    assert_eq!(module.value("lru", 2), Some(2));
    assert_eq!(module.value("by_key", 1), Some(1));
    assert_eq!(module.value("slots", 7), Some(1));
    assert_eq!(module.value("a", 2), Some(5));
}

#[test]
fn atomic_increment_adds() {
    let (module, _) =
        run("BPF_HASH(h, u32, u64);", "h.atomic_increment(1); h.atomic_increment(1, 4); return 0;");
    assert_eq!(module.value("h", 1), Some(5));
}

#[test]
fn a_struct_key_with_commas_in_braces_is_one_argument() {
    let (module, found) = run(
        "struct key { u32 a, b; }; struct val { u64 x, y; };\n\
         BPF_HASH(h, struct key, u64); BPF_HASH(v, struct key, struct val);",
        "h.increment((struct key){1, 2}); h.increment((struct key){1, 2}, 4);\n\
         v.update(&(struct key){5, 6}, &(struct val){7, 8});\n\
         struct val *p = v.lookup(&(struct key){5, 6}); return p ? p->y : 0;",
    );
    assert_eq!(module.value("h", 1 | 2 << 32), Some(5));
    assert_eq!(found, 8);
}

#[test]
fn lookup_insert_update_and_delete_do_what_they_say() {
    let (module, value) = run(
        "BPF_HASH(h, u32, u64);",
        "u32 k = 1, other = 2; u64 a = 10, b = 20;\n\
         if (h.lookup(&k)) return 1;\n\
         if (h.insert(&k, &a)) return 2;\n\
         if (!h.insert(&k, &b)) return 3;\n\
         u64 *p = h.lookup(&k); if (!p || *p != 10) return 4;\n\
         if (h.update(&k, &b)) return 5;\n\
         h.update(&other, &a); h.delete(&other);\n\
         if (!h.delete(&other)) return 6;\n\
         return 0;",
    );
    assert_eq!(value, 0);
    assert_eq!((module.value("h", 1), module.value("h", 2)), (Some(20), None));
}

#[test]
fn lookup_or_init_leaves_the_function_when_the_table_is_full() {
    let (module, value) = run(
        "BPF_HASH(h, u32, u64, 1); BPF_HASH(seen, u32, u64);",
        "u32 a = 1, b = 2; u64 zero = 5;\n\
         u64 *p = h.lookup_or_init(&a, &zero); *p += 1; seen.increment(1);\n\
         p = h.lookup_or_try_init(&b, &zero); if (!p) seen.increment(2);\n\
         p = h.lookup_or_init(&b, &zero); seen.increment(3); return 9;",
    );
    assert_eq!(value, 0, "the hidden return");
    assert_eq!(module.value("h", 1), Some(6));
    assert_eq!(module.value("seen", 1), Some(1));
    assert_eq!(module.value("seen", 2), Some(1));
    assert_eq!(module.value("seen", 3), None);
}

#[test]
fn methods_work_in_macros_of_every_shape() {
    let (module, value) = run(
        "BPF_HASH(counts_a, u32, u64); BPF_HASH(counts_b, u32, u64);\n\
         #define INCR(map, k) map.increment(k)\n\
         #define PASTED(n, k) counts_##n.increment(k)\n\
         #define DO(op, k) counts_a.op(k)\n\
         #define PAIR(k) INCR(counts_a, k); PASTED(b, k)\n\
         #define ARGS &key, &value\n\
         #define APPLY(f, m, k) f(m, k)\n\
         #define NAME lookup\n\
         #define TABLE counts_a\n\
         #define HELPER(name) static u64 name(u32 k) { u64 *p = counts_a.lookup(&k); return p ? *p : 0; }\n\
         HELPER(count_of)",
        "u32 key = 40; u64 value = 100;\n\
         INCR(counts_a, 1); PASTED(b, 2); DO(increment, 3); PAIR(4); APPLY(INCR, counts_b, 5);\n\
         counts_a.update(ARGS); TABLE.increment(6); (&counts_b)->increment(7);\n\
         u64 *p = counts_a.NAME(&key); if (!p) return 1;\n\
         INCR(counts_a, *counts_b.lookup_or_init(&key, &value));\n\
         return count_of(40);",
    );
    for key in [1, 3, 4, 6, 100] {
        assert_eq!(module.value("counts_a", key), Some(1), "{key}");
    }
    for key in [2, 4, 5, 7] {
        assert_eq!(module.value("counts_b", key), Some(1), "{key}");
    }
    assert_eq!(value, 100);
}

#[test]
fn queues_and_stacks_keep_their_order() {
    let (_, value) = run(
        "BPF_QUEUE(q, u64, 4); BPF_STACK(s, u64, 4);",
        "u64 a = 1, b = 2, x = 0, y = 0, z = 0;\n\
         q.push(&a, 0); q.push(&b, 0); s.push(&a, 0); s.push(&b, 0);\n\
         if (q.peek(&z) || z != 1) return 1;\n\
         q.pop(&x); s.pop(&y); return x * 10 + y;",
    );
    assert_eq!(value, 12);
}

#[test]
fn a_ring_buffer_knows_its_size_and_fills() {
    let (_, value) = run(
        "BPF_RINGBUF_OUTPUT(ring, 2);",
        "u64 data = 5; u64 *slot = ring.ringbuf_reserve(sizeof(*slot));\n\
         if (!slot) return 1;\n\
         *slot = 6; ring.ringbuf_submit(slot, 0);\n\
         slot = ring.ringbuf_reserve(sizeof(*slot)); if (!slot) return 2;\n\
         ring.ringbuf_discard(slot, 0);\n\
         if (ring.ringbuf_output(&data, sizeof(data), 0)) return 3;\n\
         return ring.ringbuf_query(1);",
    );
    assert_eq!(value, 2 * 4096);
}

#[test]
fn an_inner_map_is_reached_through_the_outer_one() {
    let text = "BPF_HASH(inner, u32, u64); BPF_ARRAY_OF_MAPS(outer, \"inner\", 4);\n\
                int f(struct bpf_raw_tracepoint_args *ctx) { int i = 0; u32 k = 1; u64 *p;\n\
                void *map = outer.lookup(&i); if (!map) return 1;\n\
                p = bpf_map_lookup_elem(map, &k); return p ? *p : 2; }\n";
    let request = bcc_core::compile::CompileRequest {
        text: text.as_bytes().to_vec(),
        file: "/virtual/main.c".to_owned(),
        target: bcc_core::target::Target::running().unwrap(),
        ..Default::default()
    };
    let output = bcc_core::compile::Compiler::compile(&bcc_frontend::Compiler, &request).unwrap();
    let outer = output.spec.map("outer").unwrap();
    assert_eq!((outer.map_type, outer.inner.as_deref()), (12, Some("inner")));
    assert!(output.spec.program("f").is_some());
}

#[test]
fn logarithms_byte_orders_and_masks_are_right() {
    let (module, value) = run(
        "BPF_HASH(r, u32, u64);",
        "u32 k = 0; u64 v;\n\
         #define PUT(x) v = (x); r.update(&k, &v); k++\n\
         PUT(bpf_log2l(0)); PUT(bpf_log2l(1)); PUT(bpf_log2l(2)); PUT(bpf_log2l(3));\n\
         PUT(bpf_log2l(4)); PUT(bpf_log2l(1ull << 32)); PUT(bpf_log2(255)); PUT(bpf_log2l(-1ull));\n\
         PUT(bpf_ntohs(0x1234)); PUT(bpf_htonl(0x12345678)); PUT(bpf_ntohll(1)); PUT(MASK(12));\n\
         PUT(bpf_hton128(3) >> 120); PUT(bpf_num_cpus());\n\
         return k;",
    );
    let cpus = u64::from(bcc_core::target::Target::running().unwrap().online_cpus);
    let expected = [1, 1, 2, 2, 3, 33, 7, 64, 0x3412, 0x7856_3412, 1 << 56, 0xfff, 3, cpus];
    assert_eq!(value as usize, expected.len());
    for (key, expected) in expected.iter().enumerate() {
        assert_eq!(module.value("r", key as u64), Some(*expected), "{key}");
    }
}

#[test]
fn globals_literals_and_extern_helpers_work() {
    let (_, value) = run(
        "static int calls = 40; const char *const name = \"abc\"; int add(int a, int b) { return a + b; }\n\
         static noinline int twice(int x) { return 2 * x; }",
        "calls++; bpf_trace_printk(\"%d\\n\", calls);\n\
         return add(calls, name[1]) + twice(ctx->args[0]);",
    );
    assert_eq!(value, 41 + u32::from(b'b') + 14);
}

#[test]
fn raw_tracepoint_and_current_helpers_agree_with_proc() {
    let (_, value) = run("", "return bpf_get_current_pid_tgid();");
    assert_eq!(value as usize, thread_id());
}

/// Runs `text`'s socket filter `f` as a traffic classifier, which may write, on `packet`.
fn filter(text: &str, packet: &[u8]) -> (u32, Vec<u8>) {
    let module = load_dialect(text);
    let program = module.program("f", ProgType::SCHED_CLS).unwrap_or_else(|e| panic!("{e}"));
    let run = TestRun { data: packet, data_out: packet.len(), ..TestRun::default() };
    let result = prog_test_run(program.as_fd(), &run).unwrap();
    (result.retval, result.data)
}

/// Ethernet, IPv4, UDP from port 0x1122 to 53.
fn packet() -> Vec<u8> {
    let mut packet = vec![1, 2, 3, 4, 5, 6, 11, 12, 13, 14, 15, 16, 8, 0];
    packet.extend([0x45, 0, 0, 32, 0, 9, 0x40, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
    packet.extend([0x11, 0x22, 0, 53, 0, 12, 0, 0, 1, 2, 3, 4]);
    packet
}

#[test]
fn packet_members_are_read_in_host_order() {
    let (value, data) = filter(
        "#include <bcc/proto.h>\n\
         #define PORT(u) ((u)->dport)\n\
         static int is_dns(struct __sk_buff *skb, struct udp_t *udp) { return udp->dport == 53; }\n\
         int f(struct __sk_buff *skb) { u8 *cursor = 0;\n\
         struct ethernet_t *e = cursor_advance(cursor, sizeof(*e));\n\
         if (e->type != 0x0800 || e->dst != 0x010203040506ULL || e->src != 0x0b0c0d0e0f10ULL) return 1;\n\
         struct ip_t *ip = cursor_advance(cursor, sizeof(*ip));\n\
         if (ip->ver != 4 || ip->hlen != 5 || ip->tlen != 32 || !ip->df || ip->mf || ip->foffset) return 2;\n\
         if (ip->ttl != 64 || ip->nextp != 17 || ip->src != 0x0a000001) return 3;\n\
         struct udp_t *udp = cursor_advance(cursor, sizeof(*udp));\n\
         if (!is_dns(skb, udp)) return 4;\n\
         return udp->sport + load_byte(skb, 45) + (load_dword(skb, 0) >> 56); }\n",
        &packet(),
    );
    assert_eq!(value, 0x1122 + 4 + 1);
    assert_eq!(data, packet());
}

#[test]
fn packet_members_are_written_and_their_neighbours_kept() {
    let (value, data) = filter(
        "#include <bcc/proto.h>\n\
         int f(struct __sk_buff *skb) { u8 *cursor = 0;\n\
         struct ethernet_t *e = cursor_advance(cursor, sizeof(*e));\n\
         struct ip_t *ip = cursor_advance(cursor, sizeof(*ip));\n\
         e->dst = 0xa1a2a3a4a5a6ULL; ip->hlen = 6; ip->ttl = ip->ttl - 1; ip->foffset = 0x123;\n\
         ip->dst = 0x01020304; return 0; }\n",
        &packet(),
    );
    let mut expected = packet();
    expected[..6].copy_from_slice(&[0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6]);
    expected[14] = 0x46;
    expected[20..22].copy_from_slice(&[0x41, 0x23]);
    expected[22] = 63;
    expected[30..34].copy_from_slice(&[1, 2, 3, 4]);
    assert_eq!((value, data), (0, expected));
}

#[test]
fn checksums_follow_the_packet() {
    let (value, data) = filter(
        "#include <bcc/proto.h>\n\
         int f(struct __sk_buff *skb) { u8 *cursor = 0;\n\
         struct ethernet_t *e = cursor_advance(cursor, sizeof(*e));\n\
         struct ip_t *ip = cursor_advance(cursor, sizeof(*ip));\n\
         u32 old = bpf_htonl(ip->src), now = bpf_htonl(0x0a000005);\n\
         incr_cksum_l3(24, old, now); ip->src = 0x0a000005; return 0; }\n",
        &packet(),
    );
    let sum = |header: &[u8]| {
        let words = header.chunks(2).map(|w| u32::from(w[0]) << 8 | u32::from(w[1]));
        let sum: u32 = words.sum();
        (sum & 0xffff) + (sum >> 16)
    };
    assert_eq!(value, 0);
    // The stored sum was 0, i.e. wrong by the old header's; it must be wrong by as much now.
    assert_eq!(sum(&data[14..34]), sum(&packet()[14..34]));
    assert_ne!(data[24..26], packet()[24..26]);
}

#[test]
fn a_full_ring_buffer_counts_what_found_no_room_in_it() {
    let bpf = Bpf::builder()
        .compiler(bcc_frontend::Compiler)
        .build_from_text(
            "BPF_RINGBUF_OUTPUT(other, 1); BPF_RINGBUF_OUTPUT(events, 1);
             int f(struct bpf_raw_tracepoint_args *ctx) {
                 u64 data[8] = {};
                 return events.ringbuf_output(data, sizeof(data), 0);
             }",
        )
        .unwrap();
    let program = bpf.load_program("f", ProgType::RAW_TRACEPOINT).unwrap();
    let mut ring = RingBuffer::of(bpf.map("events").unwrap()).unwrap();
    assert_eq!(ring.losses().unwrap(), Some(0));
    // 8 bytes of header and 64 of data each; the ring never becomes quite full.
    let page = bpf.map("events").unwrap().max_entries();
    let room = (page - 1) / 72;
    for _ in 0..room + 5 {
        prog_test_run(program.as_fd(), &TestRun { ctx: &[0; 96], ..TestRun::default() }).unwrap();
    }
    let (given, _) = ring.consume(|_| std::ops::ControlFlow::<()>::Continue(()));
    assert_eq!((u32::try_from(given).unwrap(), ring.losses().unwrap()), (room, Some(5)));
    assert_eq!(bpf.map("other").unwrap().losses().unwrap(), Some(0));
    assert_eq!(
        RingBuffer::open(bpf.map("other").unwrap().as_fd()).unwrap().losses().unwrap(),
        None
    );
}
