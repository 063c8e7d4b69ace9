//! Tables by their types: hashes, arrays, stacks, maps of maps, storage, sockets, devices.

use super::{builder, getpgid, has_kprobes, needs, row};
use anyhow::Result;
use bcc_core::Bpf;
use bcc_core::events::{Batch, PerfBufferOpts, Poller};
use bcc_core::map::{Map, MapType, Pod, pod_struct, text};
use bcc_core::program::ProgType;
use bcc_core::symbol::process::ProcessSymbols;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsFd, AsRawFd};

const FIRST: [u8; 4] = [0; 4];

#[test]
fn hash_tables() -> Result<()> {
    let bpf = Bpf::from_text("BPF_HASH(t, u32, u64, 64);")?;
    let table = bpf.typed_map::<u32, u64>("t")?;
    table.insert(&1, &11)?;
    table.insert(&2, &22)?;
    assert_eq!((table.get(&1)?, table.get(&3)?), (Some(11), None));
    assert!(!table.insert_new(&1, &12)?);
    row("Rust TypedMap get, insert, insert_new (BPFHashTable)", "11, none, not again");
    let mut items = table.iter().collect::<Result<Vec<_>, _>>()?;
    items.sort_unstable();
    assert_eq!(items, [(1, 11), (2, 22)]);
    row("Rust TypedMap::iter (get_table_offline)", "2 pairs");
    let mut batch = table.items()?;
    batch.sort_unstable();
    assert_eq!(batch, items);
    row("Rust TypedMap::items (own, batches)", "2 pairs");
    assert_eq!((table.take(&1)?, table.remove(&1)?, table.remove(&2)?), (Some(11), false, true));
    row("Rust TypedMap take, remove (remove_value)", "11; gone; removed");
    table.insert(&5, &55)?;
    table.clear()?;
    assert_eq!(table.keys().count(), 0);
    row("Rust TypedMap::clear (clear_table_non_atomic)", "0 left");
    let error = bpf.typed_map::<u64, u64>("t").unwrap_err();
    row("Rust typed_map of another size", error);
    assert!(bpf.queue::<u64>("t").is_err() && bpf.map("no_such").is_err());
    row("Rust wrong map type, unknown table", "errors");
    Ok(())
}

pod_struct! {
    /// `struct key` of the text.
    #[derive(Debug, PartialEq)]
    struct Key {
        pid: u32,
        cpu: u32,
    }

    /// `struct value`: in a perf buffer it does not end where a record does.
    #[derive(Debug, PartialEq)]
    struct Value {
        calls: u64,
        name: [u8; 16],
    }
}

#[test]
fn structs() -> Result<()> {
    let text = "struct key { u32 pid; u32 cpu; }; struct value { u64 calls; char name[16]; };
        BPF_HASH(table, struct key, struct value); BPF_PERF_OUTPUT(perf); BPF_RINGBUF_OUTPUT(ring, 1);
        TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) {
            if (bpf_get_current_pid_tgid() >> 32 != PID) return 0;
            struct key key = { PID, 7 };
            struct value zero = { 0, \"getpgid\" }, *value = table.lookup_or_try_init(&key, &zero);
            if (!value) return 0;
            value->calls++;
            perf.perf_submit(args, value, sizeof(*value));
            ring.ringbuf_output(value, sizeof(*value), 0);
            return 0;
        }";
    let bpf = builder().build_from_text(text)?;
    let mut poller = Poller::new()?;
    bpf.open_perf_buffer(&mut poller, "perf", PerfBufferOpts::default())?;
    bpf.open_ring_buffer(&mut poller, "ring")?;
    getpgid();
    let value = Value { calls: 1, name: *b"getpgid\0\0\0\0\0\0\0\0\0" };
    let key = Key { pid: std::process::id(), cpu: 7 };
    assert_eq!(bpf.typed_map::<Key, Value>("table")?.items()?, [(key, value)]);
    row("Rust pod_struct, TypedMap of structs (own)", format!("{} call", value.calls));
    let mut batch = Batch::default();
    poller.consume_into(&mut batch, 10)?;
    let sent: Vec<_> = batch.iter().map(|record| Value::from_prefix(record.data)).collect();
    assert_eq!(sent, [Some(value), Some(value)]);
    row("Rust Pod::from_prefix of events (own)", "the struct, of either buffer");
    Ok(())
}

#[test]
fn tables_as_text() -> Result<()> {
    let bpf = Bpf::from_text("struct k { u32 a; char b[8]; }; BPF_HASH(t, struct k, u64, 4);")?;
    let map = bpf.map("t")?;
    let key = text::scan(&map.spec().key, "{ 0x5 \"abc\" }")?;
    map.update(&key, &text::scan(&map.spec().leaf, "0x10")?, 0)?;
    let (key, leaf) = map.items()?.remove(0);
    assert_eq!(text::print(&map.spec().key, &key)?, "{ 0x5 \"abc\" }");
    assert_eq!(text::print(&map.spec().leaf, &leaf)?, "0x10");
    row("Rust text::scan, print (BPFTable string API)", "{ 0x5 \"abc\" } = 0x10");
    assert_eq!((map.info().max_entries, map.key_size(), map.value_size()), (4, 12, 8));
    row("Rust Map key_size, value_size, info (crate Table)", "12, 8, 4 entries");
    map.delete(&key)?;
    assert_eq!(map.lookup(&key)?, None);
    row("Rust Map update, lookup, delete (crate Table, bytes)", "written, then gone");
    let (keys, values) = ([[1u8; 12], [2; 12]].concat(), [[1u8; 8], [2; 8]].concat());
    assert_eq!(map.update_batch(&keys, &values)?, 2);
    assert_eq!(map.delete_batch(&keys[..12])?, 1);
    assert_eq!(map.take_items()?, [(vec![2; 12], vec![2; 8])]);
    row("Rust Map update_batch, delete_batch, take_items (own)", "2, 1, 1");
    Ok(())
}

#[test]
fn arrays_and_per_cpu() -> Result<()> {
    let bpf = Bpf::from_text(
        "BPF_ARRAY(a, u64, 4); BPF_PERCPU_ARRAY(pa, u64, 4); BPF_PERCPU_HASH(ph, u32, u64, 4);",
    )?;
    let array = bpf.typed_map::<u32, u64>("a")?;
    array.insert(&3, &33)?;
    assert_eq!((array.get(&3)?, array.get(&4)?, array.items()?.len()), (Some(33), None, 4));
    assert!(array.items_per_cpu().is_err());
    row("Rust BPFArrayTable", "33 of 4");
    let cpus = bcc_core::kernel::cpus::possible()?.len();
    let values: Vec<u64> = (0..cpus as u64).map(|cpu| cpu * 10 + 1).collect();
    for name in ["pa", "ph"] {
        let table = bpf.typed_map::<u32, u64>(name)?;
        table.insert_per_cpu(&1, &values)?;
        assert_eq!(table.get_per_cpu(&1)?, Some(values.clone()));
        let items = table.items_per_cpu()?;
        assert_eq!(items.iter().find(|(key, _)| *key == 1), Some(&(1, values.clone())));
        assert_eq!(items.len(), if name == "pa" { 4 } else { 1 });
        let kind = bpf.map(name)?.map_type();
        row(&format!("Rust per-CPU {kind} (BPFPercpu*Table)"), format!("{values:?}"));
    }
    assert_eq!(bpf.map("pa")?.lookup_per_cpu(&FIRST)?.unwrap().len(), cpus);
    Ok(())
}

#[test]
fn queues_and_tries() -> Result<()> {
    let bpf = Bpf::from_text(
        "BPF_QUEUE(q, u64, 2); BPF_STACK(s, u64, 2);
         struct k { u32 len; u8 ip[4]; }; BPF_LPM_TRIE(lpm, struct k, u64, 8);",
    )?;
    let (queue, stack) = (bpf.queue::<u64>("q")?, bpf.queue::<u64>("s")?);
    for value in [1, 2] {
        queue.push(&value, false)?;
        stack.push(&value, false)?;
    }
    assert!(queue.push(&3, false).is_err());
    queue.push(&3, true)?;
    assert_eq!((queue.peek()?, queue.pop()?, stack.pop()?), (Some(2), Some(2), Some(2)));
    row("Rust QueueStack push, peek, pop (BPFQueueStackTable)", "2 2 2");
    let lpm = bpf.map("lpm")?;
    let key = |len: u32, ip: [u8; 4]| [len.to_ne_bytes(), ip].concat();
    lpm.update(&key(8, [10, 0, 0, 0]), &8u64.to_ne_bytes(), 0)?;
    lpm.update(&key(16, [10, 1, 0, 0]), &16u64.to_ne_bytes(), 0)?;
    assert_eq!(lpm.lookup(&key(32, [10, 1, 2, 3]))?, Some(16u64.to_ne_bytes().to_vec()));
    assert_eq!(lpm.lookup(&key(32, [11, 1, 2, 3]))?, None);
    row("Rust LPM trie", "the longest prefix, 16");
    Ok(())
}

#[test]
fn stacks() -> Result<()> {
    let bpf = builder().build_from_text(
        "BPF_STACK_TRACE(stacks, 64); BPF_STACK_TRACE_BUILDID(ids, 64); BPF_ARRAY(at, int, 3);
         TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) {
             int zero = 0, one = 1;
             if (bpf_get_current_pid_tgid() >> 32 != PID) return 0;
             int user = stacks.get_stackid(args, BPF_F_USER_STACK);
             int by_id = ids.get_stackid(args, BPF_F_USER_STACK);
             at.update(&zero, &user);
             at.update(&one, &by_id);
             return 0;
         }",
    )?;
    getpgid();
    let at = bpf.typed_map::<u32, i32>("at")?;
    let (user, by_id) = (at.get(&0)?.unwrap(), at.get(&1)?.unwrap());
    let addresses = bpf.stack_traces("stacks")?.addresses(user)?.unwrap();
    let mut symbols = ProcessSymbols::new(std::process::id().cast_signed())?;
    let innermost = symbols.resolve(addresses[0]).unwrap().name.unwrap().to_owned();
    assert!(innermost.contains("getpgid"), "{innermost}");
    row("Rust StackTraces::addresses (BPFStackTable)", innermost);
    let frames = bpf.stack_traces("ids")?.build_ids(by_id)?.unwrap();
    row("Rust StackTraces::build_ids (BPFStackBuildIdTable)", format!("{} frames", frames.len()));
    assert!(!frames.is_empty());
    Ok(())
}

#[test]
fn maps_in_maps() -> Result<()> {
    let bpf = Bpf::from_text(
        "BPF_ARRAY(one, u64, 2); BPF_ARRAY(other, u64, 2); BPF_HASH(unlike, u64, u64, 2);
         BPF_ARRAY_OF_MAPS(array, \"one\", 2); BPF_HASH_OF_MAPS(hash, u32, \"one\", 2);",
    )?;
    bpf.typed_map::<u32, u64>("other")?.insert(&1, &99)?;
    for name in ["array", "hash"] {
        let outer = bpf.map(name)?;
        outer.set_fd(&FIRST, bpf.map("other")?)?;
        let inner = outer.inner(&FIRST)?.unwrap();
        assert_eq!(inner.lookup(&1u32.to_ne_bytes())?, Some(99u64.to_ne_bytes().to_vec()));
        assert!(outer.set_fd(&FIRST, bpf.map("unlike")?).is_err());
        row(&format!("Rust {} (BPFMapInMapTable)", outer.map_type()), "99 inside");
    }
    Ok(())
}

/// What storage maps of an object hold for the object of a descriptor.
fn storage(map: &Map, object: &impl AsFd) -> Result<u64> {
    let key = object.as_fd().as_raw_fd().to_ne_bytes();
    map.update(&key, &31u64.to_ne_bytes(), 0)?;
    let value = map.lookup(&key)?.unwrap();
    assert!(map.delete(&key)? && map.lookup(&key)?.is_none());
    Ok(u64::from_ne_bytes(*value.first_chunk().unwrap()))
}

#[test]
fn storage_of_objects() -> Result<()> {
    let bpf = Bpf::from_text(
        "BPF_SK_STORAGE(sockets, u64); BPF_INODE_STORAGE(inodes, u64); BPF_TASK_STORAGE(tasks, u64);",
    )?;
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    assert_eq!(storage(bpf.map("sockets")?, &socket)?, 31);
    row("Rust BPFSkStorageTable", 31);
    assert_eq!(storage(bpf.map("inodes")?, &tempfile::tempfile()?)?, 31);
    row("Rust BPFInodeStorageTable", 31);
    let own = std::process::id().cast_signed();
    let pidfd = bcc_sys::process::pidfd_open(own)?;
    assert_eq!(storage(bpf.map("tasks")?, &pidfd)?, 31);
    row("Rust BPFTaskStorageTable", 31);
    Ok(())
}

#[test]
fn sockets_in_maps() -> Result<()> {
    let bpf = Bpf::from_text("BPF_SOCKMAP(map, 2); BPF_SOCKHASH(hash, u32, 2);")?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let connected = TcpStream::connect(listener.local_addr()?)?;
    let unconnected = UdpSocket::bind("127.0.0.1:0")?;
    for name in ["map", "hash"] {
        let map = bpf.map(name)?;
        let update = |fd: i32| map.update(&FIRST, &fd.to_ne_bytes(), 0);
        update(connected.as_raw_fd())?;
        assert!(map.delete(&FIRST)?);
        drop(update(unconnected.as_raw_fd()));
        assert!(update(-1).is_err());
        row(&format!("Rust {} (BPFSockmapTable, BPFSockhashTable)", map.map_type()), "in and out");
    }
    Ok(())
}

#[test]
fn programs_devices_and_queues_in_maps() -> Result<()> {
    let bpf = Bpf::from_text(
        "BPF_PROG_ARRAY(progs, 2); BPF_CGROUP_ARRAY(groups, 2); BPF_DEVMAP(devs, 2);
         BPF_CPUMAP(cpus, 1); BPF_XSKMAP(xsks, 2);
         int f(struct __sk_buff *skb) { return 5; }
         int main_(struct __sk_buff *skb) { progs.call(skb, 0); return 1; }",
    )?;
    let main = bpf.load_program("main_", ProgType::SOCKET_FILTER)?;
    let run = || main.test_run(&[0; 64], &[], 1).unwrap().retval;
    assert_eq!(run(), 1);
    let progs = bpf.map("progs")?;
    progs.set_fd(&FIRST, &bpf.load_program("f", ProgType::SOCKET_FILTER)?.as_fd())?;
    assert_eq!(run(), 5);
    assert!(progs.delete(&FIRST)?);
    assert_eq!(run(), 1);
    row("Rust BPFProgTable, tail call", "1, 5, 1");
    for (name, value) in [("devs", 1u32), ("cpus", 192)] {
        let map = bpf.map(name)?;
        map.update(&FIRST, &value.to_ne_bytes(), 0)?;
        let found = map.lookup(&FIRST)?.unwrap();
        assert_eq!(found[..4], value.to_ne_bytes());
        row(&format!("Rust {}", map.map_type()), value);
    }
    assert_eq!(bpf.map("xsks")?.map_type(), MapType::XSKMAP);
    assert!(bpf.map("xsks")?.update(&FIRST, &0u32.to_ne_bytes(), 0).is_err());
    row("Rust BPFXskmapTable", "a descriptor that is no XDP socket is refused");
    super::hooks::with_cgroup(|path| {
        let directory = std::fs::File::open(path).unwrap();
        bpf.map("groups").unwrap().set_fd(&FIRST, &directory).unwrap();
        row("Rust BPFCgroupArray", "a cgroup is in");
    });
    Ok(())
}

#[test]
fn histograms_of_kernel_probes() -> Result<()> {
    needs!(has_kprobes(), "kprobes");
    let bpf = builder().build_from_text(
        "BPF_HISTOGRAM(h); int kprobe__vfs_statx(struct pt_regs *ctx) {
             if (bpf_get_current_pid_tgid() >> 32 == PID) h.increment(bpf_log2l(100));
             return 0; }",
    )?;
    for _ in 0..13 {
        assert!(!std::path::Path::new("/nonexistent").exists());
    }
    assert_eq!(bpf.typed_map::<u32, u64>("h")?.get(&7)?, Some(13));
    row("Rust histogram", "13 in slot 7");
    Ok(())
}
