//! One test at a time, and after each of them nothing of it in the kernel: descriptors, BPF objects,
//! events and instances of tracefs.

use bcc_sys::bpf::object::{ObjectKind, ids};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Kind of object, as `/proc/PID/fdinfo` names its id, and the id.
type Object = (&'static str, u32);

const KINDS: [(&str, ObjectKind); 3] =
    [("prog_id", ObjectKind::Prog), ("map_id", ObjectKind::Map), ("link_id", ObjectKind::Link)];
/// Objects go a grace period after their last user.
const DEADLINE: Duration = Duration::from_secs(60);

/// What there was before a test. Dropped at the test's end, it fails where there is more.
pub(crate) struct Alone {
    descriptors: usize,
    objects: BTreeSet<Object>,
    traced: BTreeSet<String>,
    _turn: MutexGuard<'static, ()>,
}

impl Alone {
    /// Waits for the other tests of the process; `None` without root.
    pub(crate) fn as_root() -> Option<Self> {
        static TURN: Mutex<()> = Mutex::new(());
        if !nix::unistd::geteuid().is_root() {
            return None;
        }
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        Some(Self { descriptors: descriptors(), objects: objects(), traced: traced(), _turn: turn })
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        if thread::panicking() {
            return;
        }
        assert_eq!(descriptors(), self.descriptors, "descriptors are left");
        let traced: Vec<_> = traced().difference(&self.traced).cloned().collect();
        assert!(traced.is_empty(), "tracefs has {traced:?}");
        let mut left: BTreeSet<_> = objects().difference(&self.objects).copied().collect();
        let start = Instant::now();
        loop {
            left = left.intersection(&objects()).copied().collect();
            if start.elapsed() > Duration::from_millis(200) {
                let held = held_by_others();
                left.retain(|object| !held.contains(object));
            }
            if left.is_empty() {
                return;
            }
            assert!(start.elapsed() < DEADLINE, "the kernel still has {left:?}");
            thread::sleep(Duration::from_millis(2));
        }
    }
}

fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}

/// Every BPF object of the machine.
fn objects() -> BTreeSet<Object> {
    let of_kind =
        |(name, kind)| ids(kind).unwrap_or_default().into_iter().map(move |id| (name, id));
    KINDS.into_iter().flat_map(of_kind).collect()
}

/// BPF objects that other processes have open: what is new among them is not this test's.
fn held_by_others() -> BTreeSet<Object> {
    let own = std::process::id().to_string();
    let mut held = BTreeSet::new();
    for process in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let name = process.file_name().into_string().unwrap_or_default();
        if name != own && name.bytes().all(|byte| byte.is_ascii_digit()) {
            // It may have ended meanwhile.
            let infos = fs::read_dir(process.path().join("fdinfo")).into_iter().flatten().flatten();
            held.extend(infos.filter_map(|info| object_of(&info.path())));
        }
    }
    held
}

/// The BPF object that a descriptor's information names.
fn object_of(info: &Path) -> Option<Object> {
    let text = fs::read_to_string(info).ok()?;
    text.lines().find_map(|line| {
        let (field, id) = line.split_once(':')?;
        let (name, _) = KINDS.iter().find(|(name, _)| *name == field)?;
        Some((*name, id.trim().parse().ok()?))
    })
}

/// Probes and instances, without those that bear another process's id: the dead one's go at the next
/// start.
fn traced() -> BTreeSet<String> {
    let root = bcc_core::kernel::tracefs::root();
    let files = ["kprobe_events", "uprobe_events"].map(|file| root.join(file));
    let texts = files.iter().filter_map(|file| fs::read_to_string(file).ok());
    let mut found: BTreeSet<String> =
        texts.flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>()).collect();
    let instances = fs::read_dir(root.join("instances")).into_iter().flatten().flatten();
    found.extend(instances.filter_map(|entry| entry.file_name().into_string().ok()));
    found.retain(|entry| !entry.contains("bcc_") || names_this_process(entry));
    found
}

fn names_this_process(entry: &str) -> bool {
    let own = std::process::id();
    let event = format!("_bcc_{own}");
    entry.starts_with(&format!("bcc_{own}_"))
        || entry.split_whitespace().any(|w| w.ends_with(&event))
}
