//! Maps in the running kernel; needs root.

mod common;

use anyhow::{Context as _, Result};
use bcc_core::map::create::{self, Context};
use bcc_core::map::percpu::PerCpu;
use bcc_core::map::{Map, MapError, QueueStack, StackTraces, TypedMap};
use bcc_core::spec::{MapScope, MapSpec, TypeDesc};
use bcc_sys::bpf::call::probe_prog;
use bcc_sys::bpf::cmd::map_flags;
use bcc_sys::bpf::info::prog_info;
use bcc_sys::bpf::map::possible_cpus;
use bcc_sys::bpf::{AttachType, Insn, MapFd, MapType, ProgType};
use common::Alone;
use nix::errno::Errno;
use std::os::fd::{AsFd, AsRawFd};

fn spec(name: &str, map_type: MapType, key: u32, value: u32, entries: u32) -> MapSpec {
    MapSpec {
        name: name.to_owned(),
        map_type: map_type.0,
        key_size: key,
        value_size: value,
        max_entries: entries,
        flags: if map_type == MapType::LPM_TRIE { map_flags::NO_PREALLOC } else { 0 },
        ..Default::default()
    }
}

fn make(spec: MapSpec) -> Result<Map, MapError> {
    let context = Context { allow_rlimit: true, ..Default::default() };
    Ok(create::all(&[spec], &context)?.remove(0))
}

fn map(map_type: MapType, key: u32, value: u32, entries: u32) -> Map {
    make(spec("test", map_type, key, value, entries)).expect("the kernel makes this map")
}

#[test]
fn every_type_of_the_dialect_can_be_created() {
    let _alone = Alone::as_root();
    let page = 4096;
    for (map_type, key, value, entries) in [
        (MapType::HASH, 4, 8, 10),
        (MapType::ARRAY, 4, 8, 10),
        (MapType::PROG_ARRAY, 4, 4, 10),
        (MapType::PERF_EVENT_ARRAY, 4, 4, 0),
        (MapType::PERCPU_HASH, 4, 8, 10),
        (MapType::PERCPU_ARRAY, 4, 8, 10),
        (MapType::STACK_TRACE, 4, 127 * 8, 16),
        (MapType::CGROUP_ARRAY, 4, 4, 10),
        (MapType::LRU_HASH, 4, 8, 10),
        (MapType::LRU_PERCPU_HASH, 4, 8, 10),
        (MapType::LPM_TRIE, 8, 8, 10),
        (MapType::DEVMAP, 4, 4, 10),
        (MapType::SOCKMAP, 4, 4, 10),
        (MapType::CPUMAP, 4, 4, 1),
        (MapType::XSKMAP, 4, 4, 10),
        (MapType::SOCKHASH, 4, 4, 10),
        (MapType::QUEUE, 0, 8, 10),
        (MapType::STACK, 0, 8, 10),
        (MapType::RINGBUF, 0, 0, page),
    ] {
        let made = make(spec("a_name_longer_than_the_kernel_takes", map_type, key, value, entries));
        let made = made.unwrap_or_else(|error| panic!("{map_type}: {error}"));
        assert_eq!(made.map_type(), map_type);
        assert_eq!(made.info().name, "a_name_longer_t");
        if map_type == MapType::PERF_EVENT_ARRAY {
            assert_eq!(made.max_entries() as usize, possible_cpus().unwrap());
        }
    }
}

#[test]
fn a_map_the_kernel_refuses_names_itself() {
    let _alone = Alone::as_root();
    let specs = [spec("good", MapType::HASH, 4, 4, 1), spec("bad", MapType::HASH, 4, 4, 0)];
    let error = create::all(&specs, &Context::default()).unwrap_err();
    assert_eq!(error.to_string(), "could not open bpf map: bad, error: Invalid argument");
}

#[test]
fn elements_are_written_read_and_removed() -> Result<()> {
    let _alone = Alone::as_root();
    let map = TypedMap::<u32, u64>::new(map(MapType::HASH, 4, 8, 3))?;
    assert_eq!(map.get(&1)?, None);
    assert!(map.insert_new(&1, &10)?);
    assert!(!map.insert_new(&1, &11)?);
    map.insert(&2, &20)?;
    map.insert(&3, &30)?;
    let full = map.insert(&4, &40).unwrap_err();
    assert_eq!(full.errno(), Some(Errno::E2BIG));
    let mut items: Vec<_> = map.iter().collect::<Result<_, _>>()?;
    items.sort_unstable();
    assert_eq!(items, [(1, 10), (2, 20), (3, 30)]);
    assert_eq!(map.take(&2)?, Some(20));
    assert!(!map.remove(&2)?);
    map.clear()?;
    assert_eq!(map.keys().count(), 0);
    assert!(matches!(
        map.map().lookup(&[0; 3]),
        Err(MapError::Size { what: "key", wanted: 4, got: 3, .. })
    ));
    Ok(())
}

#[test]
fn a_walk_ends_while_its_keys_are_deleted() -> Result<()> {
    let _alone = Alone::as_root();
    let map = map(MapType::HASH, 4, 4, 1000);
    for key in 0..1000u32 {
        map.update(&key.to_ne_bytes(), &[0; 4], 0)?;
    }
    let mut seen = 0;
    for key in map.keys() {
        let key = key?;
        seen += 1;
        // The key in hand, and one that the walk may stand on next.
        map.delete(&key)?;
        if let Some(next) = map.next_key(None)? {
            map.delete(&next)?;
        }
    }
    assert!((500..=1000).contains(&seen), "{seen}");
    assert_eq!(map.keys().count(), 0);
    Ok(())
}

#[test]
fn batches_do_the_same_as_single_elements() -> Result<()> {
    let _alone = Alone::as_root();
    for map_type in [MapType::HASH, MapType::LRU_HASH, MapType::ARRAY, MapType::LPM_TRIE] {
        let key_len = if map_type == MapType::LPM_TRIE { 8 } else { 4 };
        // An LRU may evict long before it is full.
        let room = if map_type == MapType::LRU_HASH { 100_000 } else { 3000 };
        let map = map(map_type, key_len, 4, room);
        let key = |n: u32| {
            let mut key = n.to_ne_bytes().to_vec();
            if map_type == MapType::LPM_TRIE {
                key = 32u32.to_ne_bytes().to_vec();
                key.extend(n.to_be_bytes());
            }
            key
        };
        let keys: Vec<u8> = (0..2999).flat_map(key).collect();
        let values: Vec<u8> = (0..2999u32).flat_map(|n| (n * 2).to_ne_bytes()).collect();
        assert_eq!(map.update_batch(&keys, &values)?, 2999, "{map_type}");
        let expected = if map_type == MapType::ARRAY { 3000 } else { 2999 };
        let items = map.items().with_context(|| format!("{map_type}"))?;
        assert_eq!(items.len(), expected, "{map_type}");
        for (key, value) in &items {
            assert_eq!(map.lookup(key)?.as_ref(), Some(value), "{map_type}");
        }
        if map_type == MapType::ARRAY {
            continue;
        }
        let some = [key(5), key(900_000), key(6)].concat();
        assert_eq!(map.delete_batch(&some)?, 2, "{map_type}");
        assert_eq!(map.take_items()?.len(), 2997, "{map_type}");
        assert_eq!(map.items()?, [], "{map_type}");
    }
    Ok(())
}

#[test]
fn each_cpu_has_its_own_value() -> Result<()> {
    let _alone = Alone::as_root();
    for map_type in [MapType::PERCPU_ARRAY, MapType::PERCPU_HASH, MapType::LRU_PERCPU_HASH] {
        let map = TypedMap::<u32, u32>::new(map(map_type, 4, 4, 2))?;
        let cpus = u32::try_from(possible_cpus()?)?;
        let values: Vec<u32> = (0..cpus).map(|cpu| cpu + 7).collect();
        map.insert_per_cpu(&1, &values)?;
        assert_eq!(map.get_per_cpu(&1)?, Some(values.clone()), "{map_type}");
        assert_eq!(map.map().value_len(), values.len() * 8);
        let one = PerCpu::from_values(4, &[[0; 4]]);
        if cpus != 1 {
            let error = map.map().update_per_cpu(&1u32.to_ne_bytes(), &one).unwrap_err();
            assert!(matches!(error, MapError::Size { what: "value", .. }));
        }
        map.insert(&1, &9)?;
        assert_eq!(map.get_per_cpu(&1)?, Some(vec![9; values.len()]));
        let items = map.map().items()?;
        assert!(items.iter().any(|(key, _)| *key == 1u32.to_ne_bytes()));
    }
    Ok(())
}

#[test]
fn queues_give_the_oldest_and_stacks_the_newest() -> Result<()> {
    let _alone = Alone::as_root();
    for (map_type, first) in [(MapType::QUEUE, 1), (MapType::STACK, 3)] {
        let queue = QueueStack::<u64>::new(map(map_type, 0, 8, 3))?;
        assert_eq!(queue.pop()?, None);
        for value in 1..=3 {
            queue.push(&value, false)?;
        }
        assert_eq!(queue.peek()?, Some(first));
        let full = queue.push(&4, false).unwrap_err();
        assert_eq!(full.errno(), Some(Errno::E2BIG));
        queue.push(&4, true)?;
        let rest: Vec<u64> =
            std::iter::from_fn(|| queue.pop().transpose()).collect::<Result<_, _>>()?;
        let expected = if map_type == MapType::QUEUE { [2, 3, 4] } else { [4, 3, 2] };
        assert_eq!(rest, expected);
    }
    assert!(QueueStack::<u64>::new(map(MapType::HASH, 4, 8, 1)).is_err());
    Ok(())
}

#[test]
fn longest_prefix_wins() -> Result<()> {
    let _alone = Alone::as_root();
    let map = map(MapType::LPM_TRIE, 8, 4, 10);
    let key = |len: u32, addr: [u8; 4]| [len.to_ne_bytes(), addr].concat();
    map.update(&key(8, [10, 0, 0, 0]), &1u32.to_ne_bytes(), 0)?;
    map.update(&key(24, [10, 1, 2, 0]), &2u32.to_ne_bytes(), 0)?;
    assert_eq!(map.lookup(&key(32, [10, 1, 2, 3]))?, Some(2u32.to_ne_bytes().to_vec()));
    assert_eq!(map.lookup(&key(32, [10, 9, 9, 9]))?, Some(1u32.to_ne_bytes().to_vec()));
    assert_eq!(map.lookup(&key(32, [11, 1, 2, 3]))?, None);
    Ok(())
}

#[test]
fn maps_hold_maps_that_fit_the_template() -> Result<()> {
    let _alone = Alone::as_root();
    let inner = spec("inner", MapType::ARRAY, 4, 8, 5);
    for outer_type in [MapType::ARRAY_OF_MAPS, MapType::HASH_OF_MAPS] {
        let mut outer = spec("outer", outer_type, 4, 4, 2);
        outer.inner = Some("inner".into());
        // The outer one first: templates are created before it all the same.
        let maps = create::all(&[outer, inner.clone()], &Context::default())?;
        assert_eq!((maps[0].name(), maps[1].name()), ("outer", "inner"));
        let key = 1u32.to_ne_bytes();
        assert!(maps[0].inner(&key)?.is_none());
        let other = map(MapType::ARRAY, 4, 8, 5);
        other.update(&[0; 4], &7u64.to_ne_bytes(), 0)?;
        maps[0].set_fd(&key, &other)?;
        let back = maps[0].inner(&key)?.context("absent")?;
        assert_eq!(back.info().id, other.info().id);
        assert_eq!(back.lookup(&[0; 4])?, Some(7u64.to_ne_bytes().to_vec()));
        let misfit = map(MapType::HASH, 4, 8, 5);
        assert!(maps[0].set_fd(&key, &misfit).is_err());
    }
    let mut lost = spec("lost", MapType::HASH_OF_MAPS, 4, 4, 2);
    lost.inner = Some("nowhere".into());
    assert!(matches!(make(lost), Err(MapError::Inner { .. })));
    Ok(())
}

/// Takes `CAP_SYS_ADMIN` from this thread, for good.
fn give_up_sys_admin() {
    const VERSION_3: u32 = 0x2008_0522;
    let header = [VERSION_3, 0];
    // Effective, permitted and inheritable, of the lower and of the higher capabilities.
    let mut sets = [0u32; 6];
    #[expect(unsafe_code, reason = "no crate of ours sets capabilities")]
    // SAFETY: both point to what the call reads and writes, and live until it has returned.
    let got = unsafe { libc::syscall(libc::SYS_capget, header.as_ptr(), sets.as_mut_ptr()) };
    assert_eq!(got, 0);
    for set in &mut sets[..3] {
        *set &= !(1 << 21);
    }
    #[expect(unsafe_code, reason = "no crate of ours sets capabilities")]
    // SAFETY: as above.
    let set = unsafe { libc::syscall(libc::SYS_capset, header.as_ptr(), sets.as_ptr()) };
    assert_eq!(set, 0);
}

#[test]
fn map_of_a_map_without_privilege_names_the_capability() -> Result<()> {
    let _alone = Alone::as_root();
    let mut outer = spec("outer", MapType::ARRAY_OF_MAPS, 4, 4, 1);
    outer.inner = Some("inner".into());
    let inner = spec("inner", MapType::ARRAY, 4, 8, 5);
    let maps = create::all(&[outer, inner], &Context::default())?;
    maps[0].set_fd(&[0; 4], &maps[1])?;
    let refused = std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            give_up_sys_admin();
            maps[0].inner(&[0; 4]).map(drop)
        });
        thread.join().expect("the thread ends")
    });
    let told = refused.unwrap_err().to_string();
    assert!(told.ends_with("(missing CAP_SYS_ADMIN)"), "{told}");
    Ok(())
}

#[test]
fn published_tables_are_found_by_extern_ones() -> Result<()> {
    let _alone = Alone::as_root();
    let mut public = spec("published_here", MapType::HASH, 4, 4, 5);
    public.scope = MapScope::Public;
    let mut wanted = public.clone();
    wanted.scope = MapScope::Extern;
    assert!(matches!(make(wanted.clone()), Err(MapError::Extern { .. })));
    let ours = make(public)?;
    let theirs = make(wanted)?;
    assert_eq!(ours.info().id, theirs.info().id);

    let mut shared = spec("only_in_space", MapType::HASH, 4, 4, 5);
    shared.scope = MapScope::Shared;
    let space = Context { namespace: "space", ..Default::default() };
    let ours = create::all(&[shared.clone()], &space)?.remove(0);
    shared.scope = MapScope::Extern;
    assert!(make(shared.clone()).is_err());
    assert_eq!(create::all(&[shared], &space)?[0].info().id, ours.info().id);
    for map in [&ours, &theirs] {
        bcc_core::map::registry::withdraw(map);
    }
    Ok(())
}

/// A bpffs in a mount namespace of this thread alone.
fn private_bpffs() -> Result<tempfile::TempDir> {
    use nix::mount::{MsFlags, mount};
    use nix::sched::{CloneFlags, unshare};
    let none: Option<&str> = None;
    unshare(CloneFlags::CLONE_NEWNS)?;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none)?;
    let dir = tempfile::tempdir()?;
    mount(Some("bpf"), dir.path(), Some("bpf"), MsFlags::empty(), none)?;
    Ok(dir)
}

#[test]
fn pinned_maps_are_made_once_and_found_again() -> Result<()> {
    let _alone = Alone::as_root();
    let bpffs = private_bpffs()?;
    let path = bpffs.path().join("some/dir/table");
    let mut pinned = spec("pinned", MapType::HASH, 4, 4, 5);
    pinned.pin_path = Some(path.to_string_lossy().into_owned());
    let first = make(pinned.clone())?;
    first.update(&[1, 0, 0, 0], &[2, 0, 0, 0], 0)?;
    // Another declaration at the same path: the pinned map is used whatever its type.
    pinned.map_type = MapType::ARRAY.0;
    let second = make(pinned)?;
    assert_eq!(second.map_type(), MapType::HASH);
    assert_eq!(second.lookup(&[1, 0, 0, 0])?, Some(vec![2, 0, 0, 0]));
    nix::mount::umount2(bpffs.path(), nix::mount::MntFlags::MNT_DETACH)?;
    Ok(())
}

#[test]
fn a_pin_outside_of_a_bpffs_is_refused() -> Result<()> {
    let _alone = Alone::as_root();
    let dir = tempfile::tempdir()?;
    let mut pinned = spec("pinned", MapType::HASH, 4, 4, 5);
    pinned.pin_path = Some(dir.path().join("sub/table").to_string_lossy().into_owned());
    let error = make(pinned).unwrap_err();
    assert!(matches!(&error, MapError::Pin { why, .. } if why.contains("bpffs")), "{error}");
    assert!(!dir.path().join("sub").exists());
    Ok(())
}

#[test]
fn data_maps_are_filled_and_read_only_ones_frozen() -> Result<()> {
    let _alone = Alone::as_root();
    let mut rodata = spec(".rodata", MapType::ARRAY, 4, 8, 1);
    rodata.data = Some(vec![1, 2, 3]);
    rodata.flags = map_flags::RDONLY_PROG;
    let map = make(rodata)?;
    assert_eq!(map.lookup(&[0; 4])?, Some(vec![1, 2, 3, 0, 0, 0, 0, 0]));
    assert!(map.update(&[0; 4], &[0; 8], 0).is_err());
    Ok(())
}

/// BTF of two integers: 1 is `int`, 2 is `u64`.
fn integers() -> Vec<u8> {
    let int = |name: u32, bits: u32| [name, 1 << 24, bits / 8, bits];
    let words = |words: &[u32]| words.iter().flat_map(|w| w.to_ne_bytes()).collect::<Vec<u8>>();
    let types = words(&[int(1, 32), int(5, 64)].concat());
    let strings = b"\0int\0u64\0";
    let len = u32::try_from(types.len()).unwrap_or(0);
    let header = [0x0001_eb9f, 24, 0, len, len, u32::try_from(strings.len()).unwrap_or(0)];
    [words(&header), types, strings.to_vec()].concat()
}

#[test]
fn storage_is_reached_through_descriptors() -> Result<()> {
    let _alone = Alone::as_root();
    let btf = bcc_sys::bpf::call::btf_load(&integers(), None)?;
    let context = Context { btf: Some(btf.as_fd()), ..Default::default() };
    let make = |map_type| {
        let mut storage = spec("storage", map_type, 4, 8, 0);
        storage.flags = map_flags::NO_PREALLOC;
        storage.key = int("int", 4);
        storage.leaf = int("unsigned long long", 8);
        (storage.btf_key_id, storage.btf_value_id) = (1, 2);
        create::all(&[storage], &context).map(|mut maps| maps.remove(0))
    };
    let socket = std::net::UdpSocket::bind("127.0.0.1:0")?;
    let file = tempfile::tempfile()?;
    for (map_type, key) in
        [(MapType::SK_STORAGE, socket.as_raw_fd()), (MapType::INODE_STORAGE, file.as_raw_fd())]
    {
        let map = TypedMap::<i32, u64>::new(make(map_type)?)?;
        assert_eq!(map.get(&key)?, None, "{map_type}");
        map.insert(&key, &31)?;
        assert_eq!(map.get(&key)?, Some(31), "{map_type}");
        assert_eq!(map.map().info().btf_value_type_id, 2);
        assert!(map.remove(&key)?);
    }
    Ok(())
}

fn int(name: &str, size: u32) -> TypeDesc {
    TypeDesc::Builtin { name: name.to_owned(), size }
}

#[test]
fn maps_of_descriptors_take_what_they_are_for() -> Result<()> {
    let _alone = Alone::as_root();
    let key = 0u32.to_ne_bytes();
    let cgroups = map(MapType::CGROUP_ARRAY, 4, 4, 1);
    assert!(cgroups.set_fd(&key, &tempfile::tempfile()?).is_err());

    let (left, _right) = std::os::unix::net::UnixStream::pair()?;
    let sockets = map(MapType::SOCKMAP, 4, 4, 1);
    sockets.set_fd(&key, &left)?;
    assert!(sockets.delete(&key)?);

    let programs = map(MapType::PROG_ARRAY, 4, 4, 1);
    let nothing = [Insn::mov_imm(0, 0), Insn::exit()];
    let program = probe_prog(ProgType::SOCKET_FILTER, AttachType(0), &nothing)?;
    programs.set_fd(&key, &program)?;
    assert!(programs.lookup(&key)?.is_some());
    programs.clear()?;
    assert_eq!(programs.lookup(&key)?, None);

    // Loopback has the index 1 in every network namespace.
    let devices = map(MapType::DEVMAP, 4, 4, 1);
    devices.update(&key, &1u32.to_ne_bytes(), 0)?;
    assert_eq!(devices.lookup(&key)?, Some(1u32.to_ne_bytes().to_vec()));
    let queues = map(MapType::CPUMAP, 4, 4, 1);
    queues.update(&key, &192u32.to_ne_bytes(), 0)?;
    assert_eq!(queues.lookup(&key)?, Some(192u32.to_ne_bytes().to_vec()));
    Ok(())
}

#[test]
fn absent_stacks_are_none() -> Result<()> {
    let _alone = Alone::as_root();
    let stacks = StackTraces::new(map(MapType::STACK_TRACE, 4, 127 * 8, 16))?;
    assert!(!stacks.by_build_id());
    assert_eq!(stacks.addresses(3)?, None);
    // What `get_stackid` returns when it fails.
    assert_eq!(stacks.addresses(-14)?, None);
    assert!(stacks.build_ids(3).is_err());
    assert!(StackTraces::new(map(MapType::HASH, 4, 8, 1)).is_err());
    Ok(())
}

#[test]
fn what_is_no_map_is_not_taken_for_one() -> Result<()> {
    let _alone = Alone::as_root();
    let nothing = [Insn::mov_imm(0, 0), Insn::exit()];
    let program = probe_prog(ProgType::SOCKET_FILTER, AttachType(0), &nothing)?;
    // The kernel's answer of a program would be read as that of a map with a key of 1 GiB.
    let refused = MapFd::new(program.as_fd().try_clone_to_owned()?).err().context("no map")?;
    assert_eq!(refused.errno, Errno::EINVAL);
    for (map_type, key, value, entries) in
        [(MapType::HASH, 4, 8, 10), (MapType::QUEUE, 0, 8, 10), (MapType::RINGBUF, 0, 0, 4096)]
    {
        let map = map(map_type, key, value, entries);
        assert_eq!(MapFd::new(map.as_fd().try_clone_to_owned()?)?.map_type(), map_type);
        assert_eq!(prog_info(map.as_fd()).err().context("no program")?.errno, Errno::EINVAL);
    }
    Ok(())
}
