//! The test binary itself, and damaged copies of small files.

use super::*;
use proptest::prelude::*;

fn own() -> ElfFile {
    ElfFile::open(Path::new("/proc/self/exe")).unwrap()
}

#[inline(never)]
extern "C" fn bcc_symbol_test_marker(value: u32) -> u32 {
    std::hint::black_box(value) + 1
}

#[test]
fn own_functions_are_found_both_ways() {
    assert_eq!(bcc_symbol_test_marker(1), 2);
    let elf = own();
    let table = elf.functions().unwrap();
    let mangled = table.iter().find(|function| function.name.contains("bcc_symbol_test_marker"));
    let (name, address) = mangled.map(|function| (function.name, function.address)).unwrap();
    assert_eq!(table.address_of(name), Some(address));
    assert!(elf.is_code(address));
    let offset = elf.file_offset(address).unwrap();
    assert_eq!(elf.address_of(offset), Some(address));
    let found = table.at(address + 1).unwrap();
    assert_eq!((found.name, found.address), (name, address));
    assert!(!elf.is_fixed());
    assert_eq!(elf.file_offset(u64::MAX), None);
}

#[test]
fn own_build_id_is_the_linkers() {
    // The workspace links with --build-id=sha1.
    assert_eq!(own().build_id().unwrap().len(), 20);
}

#[test]
fn what_is_no_elf_file_says_so() {
    for bytes in [vec![], b"#!/bin/sh\n".repeat(10), b"\x7fELF".to_vec(), vec![0; 64]] {
        let refused = ElfFile::from_bytes(bytes, Path::new("x"));
        assert!(matches!(refused, Err(SymbolError::Elf { .. })));
    }
    let absent = ElfFile::open(Path::new("/no/such/file"));
    assert!(matches!(absent, Err(SymbolError::Io { .. })));
}

fn look_at_everything(bytes: Vec<u8>) {
    let Ok(elf) = ElfFile::from_bytes(bytes, Path::new("x")) else { return };
    drop(elf.functions());
    elf.build_id();
    elf.debug_link();
    drop(elf.section(".text"));
    drop(elf.notes(Some(".note.stapsdt"), |_| {}));
    elf.file_offset(0x1000);
    elf.address_of(0x1000);
}

/// A small real file: the vDSO, or the start of this binary.
fn small() -> Vec<u8> {
    let mut bytes = std::fs::read("/proc/self/exe").unwrap();
    bytes.truncate(8192);
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn damaged_files_never_panic(changes in prop::collection::vec((0usize..512, any::<u8>()), 1..8)) {
        let mut bytes = small();
        for (at, value) in changes {
            let at = at % bytes.len();
            bytes[at] = value;
        }
        look_at_everything(bytes);
    }

    #[test]
    fn arbitrary_bytes_after_the_magic_never_panic(rest in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut bytes = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
        bytes.extend(rest);
        look_at_everything(bytes);
    }
}
