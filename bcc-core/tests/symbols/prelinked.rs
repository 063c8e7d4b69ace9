//! Libraries that are linked to an address of their own, by the linker or afterwards.

use super::support::{PROGRAMS, Target, run};
use bcc_core::symbol::elf::ElfFile;
use bcc_core::symbol::place::{Wanted, resolve};
use bcc_core::usdt::{Probe, notes};
use std::path::Path;
use std::process::Command;

#[test]
fn library_linked_to_an_address_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let (library, binary) = (path("libfar.so"), path("target"));
    let source = |name: &str| format!("{PROGRAMS}/{name}.c");
    let far = "-Wl,-Ttext-segment=0x31000000";
    run("cc", &["-O1", "-shared", "-fPIC", far, &source("indirect_library"), "-o", &library]);
    let rpath = format!("-Wl,-rpath,{}", directory.path().display());
    run("cc", &["-O1", &source("indirect"), &library, &rpath, "-o", &binary]);
    let target = Target::spawn(&mut Command::new(&binary), 3);
    let (_, implementation) = target.addresses[0];
    let mut symbols = target.symbols();
    let symbol = symbols.resolve(implementation + 1).unwrap();
    assert_eq!((symbol.name, symbol.offset), (Some("second_choice"), 1));
    assert_eq!(symbol.module, library);
    assert_eq!(symbols.resolve_name("libfar.so", "second_choice"), Some(implementation));
    let place = resolve(&library, Wanted::Symbol("second_choice", 0), None).unwrap();
    assert!(place.address >= 0x3100_0000 && place.offset < 0x10_0000);
    assert_eq!(place.address % 4096, implementation % 4096);
}

fn number<const N: usize>(bytes: &[u8], at: usize) -> u64 {
    let mut word = [0; 8];
    word[..N].copy_from_slice(&bytes[at..at + N]);
    u64::from_le_bytes(word)
}

/// Adds to the word at `at`.
fn add(bytes: &mut [u8], at: usize, by: u64) {
    let sum = number::<8>(bytes, at) + by;
    bytes[at..at + 8].copy_from_slice(&sum.to_le_bytes());
}

/// `SHF_ALLOC`.
const ALLOCATED: u64 = 2;

/// What `prelink` does to the headers of a 64-bit file: notes stay as they were written.
fn prelinked(bytes: &[u8], by: u64) -> Vec<u8> {
    let mut moved = bytes.to_vec();
    let at = |offset, size, count| {
        let (start, each) = (number::<8>(bytes, offset), number::<2>(bytes, size));
        let count = number::<2>(bytes, count);
        (0..count).map(move |index| usize::try_from(start + index * each).unwrap())
    };
    for segment in at(32, 54, 56) {
        if number::<8>(bytes, segment + 40) != 0 {
            add(&mut moved, segment + 16, by);
            add(&mut moved, segment + 24, by);
        }
    }
    for section in at(40, 58, 60) {
        if number::<8>(bytes, section + 8) & ALLOCATED != 0 {
            add(&mut moved, section + 16, by);
        }
    }
    moved
}

fn probes(bytes: Vec<u8>) -> Vec<Probe> {
    let elf = ElfFile::from_bytes(bytes, Path::new("x")).unwrap();
    notes::read(&elf, Path::new("x")).unwrap()
}

#[test]
fn static_probes_of_a_prelinked_file_are_where_they_were() {
    const BY: u64 = 0x7000_0000;
    let directory = tempfile::tempdir().unwrap();
    let binary = directory.path().join("target");
    let source = |name: &str| format!("{PROGRAMS}/usdt/{name}.c");
    let sources = [source("arguments"), source("library")];
    run("cc", &["-O1", "-pie", "-fPIE", &sources[0], &sources[1], "-o", binary.to_str().unwrap()]);
    let bytes = std::fs::read(&binary).unwrap();
    let (before, after) = (probes(bytes.clone()), probes(prelinked(&bytes, BY)));
    assert!(before.len() > 5 && before.len() == after.len());
    assert!(before.iter().any(|probe| probe.semaphore != 0));
    for (old, new) in before.iter().zip(&after) {
        assert_eq!(old.full_name(), new.full_name());
        assert_eq!(old.semaphore_offset, new.semaphore_offset);
        for (was, is) in old.locations.iter().zip(&new.locations) {
            assert_eq!((was.offset, was.address + BY), (is.offset, is.address));
        }
    }
}
