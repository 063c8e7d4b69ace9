//! Kernels to compile for: the running one, and those in `BCC_TEST_TARGETS` (directories, separated by
//! colons: a snapshot, or where kernel packages are unpacked), or else the snapshots of the guests' kernels.

use bcc_core::target::Target;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A snapshot, or what kernel packages were unpacked to.
fn open_target(directory: &Path, scratch: &Path) -> Vec<Target> {
    if directory.join("facts").exists() {
        return vec![Target::from_dir(directory).expect("a snapshot")];
    }
    let modules = std::fs::read_dir(directory.join("usr/lib/modules")).into_iter().flatten();
    let releases = modules.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    let open = |release: String| {
        let target = Target::from_package(directory, &release, &scratch.join(&release));
        target.unwrap_or_else(|error| panic!("{}: {error}", directory.display()))
    };
    let targets: Vec<Target> = releases.map(open).collect();
    assert!(!targets.is_empty(), "{} is no snapshot and has no kernel", directory.display());
    targets
}

/// The running kernel and all others at hand, by release.
pub(crate) fn targets(scratch: &Path) -> BTreeMap<String, Target> {
    let mut targets = BTreeMap::new();
    let live = Target::live();
    if live.vmlinux_btf.is_some() {
        targets.insert(live.release.clone(), live);
    }
    for directory in directories() {
        for target in open_target(&directory, scratch) {
            targets.insert(target.release.clone(), target);
        }
    }
    targets
}

fn directories() -> Vec<PathBuf> {
    if let Ok(named) = std::env::var("BCC_TEST_TARGETS") {
        return named.split(':').filter(|d| !d.is_empty()).map(PathBuf::from).collect();
    }
    let home = std::env::var("HOME").unwrap_or_default();
    let cache = std::env::var("BCC_VM_CACHE").unwrap_or_else(|_| format!("{home}/.cache/bcc-vm"));
    let kernels = std::fs::read_dir(Path::new(&cache).join("kernels")).into_iter().flatten();
    let snapshots = kernels.flatten().map(|kernel| kernel.path().join("target"));
    snapshots.filter(|snapshot| snapshot.join("facts").exists()).collect()
}
