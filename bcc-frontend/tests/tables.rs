//! Every table macro, through code generation: the map that the loader is told to create.

mod common;

use bcc_core::spec::{MapScope, MapSpec, ModuleSpec, RING_LOSSES, TypeDesc};

const TEXT: &str = r#"
struct key { u32 a; u64 b; };
struct leaf { char c; u16 d[3]; };
struct lpm { u32 prefixlen; u32 data; };
#define N 7

BPF_F_TABLE("hash", struct key, struct leaf, f_table, N + 1, 2);
BPF_TABLE("lru_hash", u32, u64, lru, 1 << 4);
BPF_TABLE("lru_percpu_hash", u32, u64, lru_percpu, sizeof(struct key));
BPF_TABLE_PINNED("hash", u32, u64, pinned6, 6, "/sys/fs/bpf/a/b");
BPF_TABLE_PINNED("array", int, u64, pinned7, 7, "/sys/fs/bpf/c", 1024);
BPF_TABLE_PUBLIC("hash", u32, u64, published, 8);
BPF_TABLE_SHARED("hash", u32, u64, shared5, 5);
BPF_TABLE_SHARED("hash", u32, u64, shared6, 6, 1);
BPF_TABLE("extern", u32, u64, elsewhere, 8);
BPF_HASH(hash1);
BPF_HASH(hash2, u32);
BPF_HASH(hash3, u32, struct leaf);
BPF_HASH(hash4, struct key, struct leaf, 11);
BPF_PERCPU_HASH(percpu_hash1);
BPF_PERCPU_HASH(percpu_hash4, u32, u16, 12);
BPF_ARRAY(array1);
BPF_ARRAY(array3, struct leaf, 13);
BPF_PERCPU_ARRAY(percpu_array2, u32);
BPF_HISTOGRAM(hist1);
BPF_HISTOGRAM(hist2, struct key);
BPF_HISTOGRAM(hist3, pid_t, 14);
BPF_HISTOGRAM(hist_unsigned, u32);
BPF_LPM_TRIE(lpm1);
BPF_LPM_TRIE(lpm4, struct lpm, u32, 15);
BPF_STACK_TRACE(stack_trace, 1000);
BPF_STACK_TRACE_BUILDID(stack_ids, 1024);
BPF_PROG_ARRAY(progs, 16);
BPF_PERF_OUTPUT(perf_output);
BPF_RINGBUF_OUTPUT(ring, 8);
BPF_PERF_ARRAY(perf_array, 17);
BPF_CGROUP_ARRAY(cgroups, 18);
BPF_DEVMAP(devmap, 19);
BPF_CPUMAP(cpumap, 20);
BPF_XSKMAP(xsk2, 21);
BPF_XSKMAP(xsk3, 22, "/sys/fs/bpf/x");
BPF_ARRAY_OF_MAPS(array_of_maps, "hash2", 23);
BPF_HASH_OF_MAPS(hash_of_maps2, "hash2");
BPF_HASH_OF_MAPS(hash_of_maps3, struct key, "hash2");
BPF_HASH_OF_MAPS(hash_of_maps4, u32, "hash2", 24);
BPF_SK_STORAGE(sk_storage, struct leaf);
BPF_INODE_STORAGE(inode_storage, struct leaf);
BPF_TASK_STORAGE(task_storage, struct leaf);
BPF_SOCKMAP(sockmap, 25);
BPF_SOCKHASH(sockhash1);
BPF_SOCKHASH(sockhash3, struct key, 26);
BPF_CGROUP_STORAGE(cgroup_storage, struct leaf);
BPF_PERCPU_CGROUP_STORAGE(percpu_cgroup_storage, u32);
BPF_QUEUE(queue3, struct leaf, 27);
BPF_QUEUE(queue4, struct leaf, 28, 4);
BPF_STACK(stack3, u32, 29);
BPF_QUEUESTACK("stack", queuestack, u64, 30, 0);
BPF_QUEUESTACK_PINNED("queue", qs_pinned, u64, 31, 0, "/sys/fs/bpf/q");
BPF_QUEUESTACK_PUBLIC("queue", qs_public, u64, 32, 0);
BPF_QUEUESTACK_SHARED("stack", qs_shared, u64, 33, 0);

int f(struct pt_regs *ctx) { return 0; }
"#;

/// name, kind, kernel type, key, leaf and entries of a map, and its flags.
type Row = (&'static str, &'static str, u32, u32, u32, u32, u32);

const ROWS: &[Row] = &[
    ("f_table", "hash", 1, 16, 8, 8, 2),
    ("lru", "lru_hash", 9, 4, 8, 16, 0),
    ("lru_percpu", "lru_percpu_hash", 10, 4, 8, 16, 0),
    ("pinned6", "hash", 1, 4, 8, 6, 0),
    ("pinned7", "array", 2, 4, 8, 7, 1024),
    ("published", "hash", 1, 4, 8, 8, 0),
    ("shared5", "hash", 1, 4, 8, 5, 0),
    ("shared6", "hash", 1, 4, 8, 6, 1),
    ("elsewhere", "extern", 0, 4, 8, 8, 0),
    ("hash1", "hash", 1, 8, 8, 10240, 0),
    ("hash2", "hash", 1, 4, 8, 10240, 0),
    ("hash3", "hash", 1, 4, 8, 10240, 0),
    ("hash4", "hash", 1, 16, 8, 11, 0),
    ("percpu_hash1", "percpu_hash", 5, 8, 8, 10240, 0),
    ("percpu_hash4", "percpu_hash", 5, 4, 2, 12, 0),
    ("array1", "array", 2, 4, 8, 10240, 0),
    ("array3", "array", 2, 4, 8, 13, 0),
    ("percpu_array2", "percpu_array", 6, 4, 4, 10240, 0),
    ("hist1", "histogram", 2, 4, 8, 64, 0),
    ("hist2", "histogram", 1, 16, 8, 64, 0),
    ("hist3", "histogram", 2, 4, 8, 14, 0),
    ("hist_unsigned", "histogram", 1, 4, 8, 64, 0),
    ("lpm1", "lpm_trie", 11, 8, 8, 10240, 1),
    ("lpm4", "lpm_trie", 11, 8, 4, 15, 1),
    ("stack_trace", "stacktrace", 7, 4, 127 * 8, 1024, 0),
    ("stack_ids", "stacktrace", 7, 4, 127 * 32, 1024, 32),
    ("progs", "prog", 3, 4, 4, 16, 0),
    ("perf_output", "perf_output", 4, 4, 4, 0, 0),
    ("ring", "ringbuf", 27, 0, 0, 8 * 4096, 0),
    ("perf_array", "perf_array", 4, 4, 4, 17, 0),
    ("cgroups", "cgroup_array", 8, 4, 4, 18, 0),
    ("devmap", "devmap", 14, 4, 4, 19, 0),
    ("cpumap", "cpumap", 16, 4, 4, 20, 0),
    ("xsk2", "xskmap", 17, 4, 4, 21, 0),
    ("xsk3", "xskmap", 17, 4, 4, 22, 0),
    ("array_of_maps", "array_of_maps", 12, 4, 4, 23, 0),
    ("hash_of_maps2", "hash_of_maps", 13, 4, 4, 10240, 0),
    ("hash_of_maps3", "hash_of_maps", 13, 16, 4, 10240, 0),
    ("hash_of_maps4", "hash_of_maps", 13, 4, 4, 24, 0),
    ("sk_storage", "sk_storage", 24, 4, 8, 0, 1),
    ("inode_storage", "inode_storage", 28, 4, 8, 0, 1),
    ("task_storage", "task_storage", 29, 4, 8, 0, 1),
    ("sockmap", "sockmap", 15, 4, 4, 25, 0),
    ("sockhash1", "sockhash", 18, 4, 4, 10240, 0),
    ("sockhash3", "sockhash", 18, 16, 4, 26, 0),
    ("cgroup_storage", "cgroup_storage", 19, 16, 8, 0, 0),
    ("percpu_cgroup_storage", "percpu_cgroup_storage", 21, 16, 4, 0, 0),
    ("queue3", "queue", 22, 0, 8, 27, 0),
    ("queue4", "queue", 22, 0, 8, 28, 4),
    ("stack3", "stack", 23, 0, 4, 29, 0),
    ("queuestack", "stack", 23, 0, 8, 30, 0),
    ("qs_pinned", "queue", 22, 0, 8, 31, 0),
    ("qs_public", "queue", 22, 0, 8, 32, 0),
    ("qs_shared", "stack", 23, 0, 8, 33, 0),
];

fn module(text: &str) -> ModuleSpec {
    let rewritten = common::run(text.as_bytes(), &[]).expect("a text without errors");
    bcc_frontend::emit::emit(&common::request(text.as_bytes()), &rewritten).expect("a module")
}

fn map<'m>(module: &'m ModuleSpec, name: &str) -> &'m MapSpec {
    module.map(name).unwrap_or_else(|| panic!("no map {name}"))
}

#[test]
fn every_table_macro_gives_its_map() {
    let module = module(TEXT);
    let order: Vec<&str> = module.maps.iter().map(|map| map.name.as_str()).collect();
    let names = ROWS.iter().map(|row| row.0);
    let expected: Vec<&str> = names.chain([RING_LOSSES]).collect();
    assert_eq!(order, expected, "maps in order of definition, no twin among them, ours last");
    assert_eq!(
        (map(&module, "ring").loss_slot, map(&module, RING_LOSSES).max_entries),
        (Some(0), 1)
    );
    for (name, kind, map_type, key, leaf, max_entries, flags) in ROWS {
        let map = map(&module, name);
        let got = (map.kind.as_str(), map.map_type, map.key_size, map.value_size);
        assert_eq!(got, (*kind, *map_type, *key, *leaf), "{name}");
        assert_eq!((map.max_entries, map.flags), (*max_entries, *flags), "{name}");
    }
}

#[test]
fn pins_inner_maps_and_scopes_are_read_from_the_kind() {
    let module = module(TEXT);
    let pin = |name| map(&module, name).pin_path.as_deref();
    assert_eq!(pin("pinned6"), Some("/sys/fs/bpf/a/b"));
    assert_eq!(pin("pinned7"), Some("/sys/fs/bpf/c"));
    assert_eq!(pin("xsk3"), Some("/sys/fs/bpf/x"));
    assert_eq!(pin("qs_pinned"), Some("/sys/fs/bpf/q"));
    assert_eq!(pin("hash1"), None);
    for name in ["array_of_maps", "hash_of_maps2", "hash_of_maps3", "hash_of_maps4"] {
        assert_eq!(map(&module, name).inner.as_deref(), Some("hash2"), "{name}");
    }
    let scope = |name| map(&module, name).scope;
    assert_eq!(scope("published"), MapScope::Public);
    assert_eq!(scope("qs_public"), MapScope::Public);
    assert_eq!(scope("shared5"), MapScope::Shared);
    assert_eq!(scope("shared6"), MapScope::Shared);
    assert_eq!(scope("qs_shared"), MapScope::Shared);
    assert_eq!(scope("elsewhere"), MapScope::Extern);
    assert_eq!(scope("hash1"), MapScope::Local);
}

#[test]
fn key_and_leaf_types_have_the_layout_of_c() {
    let module = module(
        r#"
typedef struct { u32 pid; char comm[TASK_COMM_LEN]; } key_t;
enum color { RED, BLUE };
struct inner { u8 x; u32 y; } __attribute__((packed));
struct leaf {
	enum color color; void *pointer; bool flag;
	unsigned int low : 3, high : 29;
	union { u32 word; u8 bytes[4]; };
	struct inner inner;
	unsigned __int128 wide;
	u16 grid[2][3];
};
BPF_HASH(t, key_t, struct leaf);
int f(struct pt_regs *ctx) { return 0; }
"#,
    );
    let table = map(&module, "t");
    let TypeDesc::Struct { name, fields, size, .. } = &table.key else { panic!("{:?}", table.key) };
    assert_eq!((name.as_str(), fields.len(), *size), ("", 2, 20));
    let comm = TypeDesc::Array {
        elem: Box::new(TypeDesc::Builtin { name: "char".into(), size: 1 }),
        len: 16,
    };
    assert_eq!((fields[1].name.as_str(), &fields[1].ty, fields[1].bit_offset), ("comm", &comm, 32));

    let TypeDesc::Struct { name, fields, size, kind, align } = &table.leaf else {
        panic!("{:?}", table.leaf)
    };
    assert_eq!((name.as_str(), *size, *align), ("leaf", 80, 16));
    assert_eq!(*kind, bcc_core::spec::StructKind::Natural);
    let row = |i: usize| (fields[i].name.as_str(), fields[i].bit_offset / 8, fields[i].bit_width);
    assert_eq!(row(0), ("color", 0, None));
    assert_eq!(fields[0].ty, TypeDesc::Builtin { name: "unsigned int".into(), size: 4 });
    assert_eq!((row(1), &fields[1].ty), (("pointer", 8, None), &TypeDesc::Pointer));
    assert_eq!(fields[2].ty, TypeDesc::Builtin { name: "_Bool".into(), size: 1 });
    assert_eq!((row(3), row(4)), (("low", 17, Some(3)), ("high", 20, Some(29))));
    assert_eq!(fields[3].bit_offset, 17 * 8);
    assert_eq!(row(5), ("", 24, None));
    let TypeDesc::Struct { kind, fields: members, .. } = &fields[5].ty else { panic!() };
    assert_eq!((*kind, members.len()), (bcc_core::spec::StructKind::Union, 2));
    assert_eq!(row(6), ("inner", 28, None));
    let TypeDesc::Struct { fields: inner, size: 5, align: 1, .. } = &fields[6].ty else { panic!() };
    assert_eq!(inner[1].bit_offset, 8);
    assert_eq!(fields[7].ty, TypeDesc::Builtin { name: "unsigned __int128".into(), size: 16 });
    assert_eq!(row(8), ("grid", 64, None));
    assert_eq!(fields[8].ty.size(), 12);
}

#[test]
fn the_last_submit_says_what_a_table_carries() {
    let module = module(
        r#"
struct first { int a; };
struct data { u32 pid; u64 ts; char comm[16]; enum { A, B } kind; };
typedef struct { u32 x; } named_t;
BPF_PERF_OUTPUT(events);
BPF_RINGBUF_OUTPUT(ring, 4);
BPF_RINGBUF_OUTPUT(reserved, 4);
BPF_PERF_OUTPUT(raw);
int f(struct pt_regs *ctx)
{
	struct first first = {};
	struct data data = {};
	named_t *slot;
	char bytes[8] = {};
	events.perf_submit(ctx, &first, sizeof(first));
	events.perf_submit(ctx, (void *)&data, sizeof(data));
	ring.ringbuf_output(&data, sizeof(data), 0);
	slot = reserved.ringbuf_reserve(sizeof(*slot));
	if (slot) { slot->x = 1; reserved.ringbuf_submit(slot, 0); }
	raw.perf_submit(ctx, bytes, sizeof(bytes));
	return 0;
}
"#,
    );
    let fields = |table: &str| {
        let event = module.events.iter().find(|event| event.table == table);
        event.map(|event| event.fields.join(" "))
    };
    let data = "pid#u32 ts#u64 comm#char[16] kind#enum (unnamed enum at /virtual/main.c:3:47)";
    assert_eq!(fields("events").as_deref(), Some(data));
    assert_eq!(fields("ring").as_deref(), Some(data));
    assert_eq!(fields("reserved").as_deref(), Some("x#u32"));
    assert_eq!(fields("raw"), None);
}
