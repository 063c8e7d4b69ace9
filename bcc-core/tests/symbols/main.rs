//! Symbols of C programs built here in several ways, against what the programs say of themselves.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod indirect;
mod languages;
mod namespaces;
mod prelinked;
mod semaphores;
mod source;
mod support;

use bcc_core::symbol::place::{Wanted, resolve};
use std::path::Path;
use support::{Target, build, run};

/// Bytes of the file at a place equal those in memory at the address the target told.
fn check_places(target: &Target, binary: &Path) {
    use std::os::unix::fs::FileExt;
    let memory = std::fs::File::open(format!("/proc/{}/mem", target.child.id())).unwrap();
    let file = std::fs::File::open(binary).unwrap();
    for (name, address) in &target.addresses {
        let wanted = Wanted::Symbol(name, 0);
        let place = resolve(binary.to_str().unwrap(), wanted, None).unwrap();
        let (mut there, mut here) = ([0; 16], [0; 16]);
        file.read_exact_at(&mut there, place.offset).unwrap();
        memory.read_exact_at(&mut here, *address).unwrap();
        assert_eq!(there, here, "{name}");
        assert_eq!(place.address % 4096, address % 4096);
    }
}

#[test]
fn relocatable_and_fixed_programs_are_named() {
    for flags in [["-pie", "-fPIE"], ["-no-pie", "-fno-pie"]] {
        let directory = tempfile::tempdir().unwrap();
        let binary = build(directory.path(), &flags);
        let target = Target::start(&binary);
        target.check(&binary);
        check_places(&target, &binary);
    }
}

#[test]
fn stripped_program_is_named_by_its_linked_debug_file() {
    let directory = tempfile::tempdir().unwrap();
    // Without a build-id only the link's name and checksum lead to the debug file.
    let binary = build(directory.path(), &["-Wl,--build-id=none", "-gz=zlib"]);
    let (path, debug) = (binary.to_str().unwrap(), directory.path().join("target.debug"));
    run("objcopy", &["--only-keep-debug", path, debug.to_str().unwrap()]);
    run("strip", &[path]);
    run("objcopy", &[&format!("--add-gnu-debuglink={}", debug.display()), path]);
    {
        let target = Target::start(&binary);
        target.check(&binary);
        check_places(&target, &binary);
    }
    // A debug file of other contents is not believed.
    let mut bytes = std::fs::read(&debug).unwrap();
    bytes.push(0);
    std::fs::write(&debug, bytes).unwrap();
    let target = Target::start(&binary);
    let mut symbols = target.symbols();
    let (_, address) = target.addresses[0];
    let symbol = symbols.resolve(address).unwrap();
    assert_eq!((symbol.name, symbol.module), (None, path));
    assert_eq!(symbol.offset % 4096, address % 4096);
}

#[test]
fn packed_symbols_of_a_stripped_program_are_read() {
    let directory = tempfile::tempdir().unwrap();
    let binary = build(directory.path(), &["-Wl,--build-id=none"]);
    let path = binary.to_str().unwrap();
    let mini = directory.path().join("mini");
    let mini = mini.to_str().unwrap();
    run("objcopy", &["--only-keep-debug", "--strip-debug", path, mini]);
    run("xz", &[mini]);
    run("strip", &[path]);
    run("objcopy", &[&format!("--add-section=.gnu_debugdata={mini}.xz"), path]);
    Target::start(&binary).check(&binary);
}

#[test]
fn deleted_and_replaced_programs_are_named_from_what_runs() {
    let directory = tempfile::tempdir().unwrap();
    let binary = build(directory.path(), &[]);
    let target = Target::start(&binary);
    std::fs::remove_file(&binary).unwrap();
    if nix::unistd::geteuid().is_root() {
        target.check(&binary);
        std::fs::copy("/bin/true", &binary).unwrap();
        target.check(&binary);
    }
}
