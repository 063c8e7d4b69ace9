//! Functions that are chosen when a program is linked.

use super::support::{PROGRAMS, Target, run};
use bcc_core::symbol::SymbolError;
use bcc_core::symbol::place::{Module, Wanted, at_start, resolve};
use std::path::{Path, PathBuf};
use std::process::Command;

struct Built {
    library: PathBuf,
    binary: PathBuf,
}

/// A program that binds its functions when they are first called, and its library.
fn build(directory: &Path) -> Built {
    let built = Built { library: directory.join("libchosen.so"), binary: directory.join("target") };
    let (library, binary) = (built.library.to_str().unwrap(), built.binary.to_str().unwrap());
    let source = |name: &str| format!("{PROGRAMS}/{name}.c");
    run("cc", &["-O1", "-shared", "-fPIC", &source("indirect_library"), "-o", library]);
    let rpath = format!("-Wl,-z,lazy,-rpath,{}", directory.display());
    run("cc", &["-O1", "-pie", "-fPIE", &source("indirect"), library, &rpath, "-o", binary]);
    built
}

fn start(binary: &Path) -> Target {
    Target::spawn(&mut Command::new(binary), 3)
}

/// File offset of an address of a process, as its maps have it.
fn offset_of(pid: i32, address: u64) -> u64 {
    let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
    let hex = |text: &str| u64::from_str_radix(text, 16).unwrap();
    let found = maps.lines().find_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (start, end) = words[0].split_once('-').unwrap();
        (hex(start)..hex(end)).contains(&address).then(|| address - hex(start) + hex(words[2]))
    });
    found.unwrap()
}

fn chosen(module: &Path, pid: Option<i32>) -> Result<u64, SymbolError> {
    let place = resolve(module.to_str().unwrap(), Wanted::Symbol("chosen", 0), pid)?;
    Ok(place.offset)
}

#[test]
fn implementation_is_told_once_a_process_has_bound_it() {
    let directory = tempfile::tempdir().unwrap();
    let built = build(directory.path());
    let unknown = |pid| matches!(chosen(&built.library, pid), Err(SymbolError::Unchosen { .. }));
    assert!(unknown(None));
    let mut target = start(&built.binary);
    let wanted = offset_of(target.pid(), target.addresses[0].1);
    // Not called yet, the word leads to the linker.
    assert!(unknown(Some(target.pid())));
    target.go_on("1", 2);
    assert_eq!(chosen(&built.library, Some(target.pid())).unwrap(), wanted);
    // Other processes choose the same; nothing was named, or one that has not called it.
    let second = start(&built.binary);
    assert_eq!(chosen(&built.library, Some(second.pid())).unwrap(), wanted);
    assert_eq!(chosen(&built.library, None).unwrap(), wanted);
    // By a pattern, and with bytes into the function.
    let module = Module::open(built.library.to_str().unwrap(), Some(target.pid())).unwrap();
    let into = module.place(Wanted::Symbol("chosen", 4)).unwrap();
    assert_eq!(into.offset, wanted + 4);
    let matching = module.matching(&at_start("chosen$|second_choice$").unwrap());
    let [(place, names)] = matching.as_slice() else { panic!("{matching:?}") };
    assert_eq!((place.offset, names.len()), (wanted, 2));
}

#[test]
fn implementation_in_the_c_library_is_that_of_the_process() {
    let directory = tempfile::tempdir().unwrap();
    let built = build(directory.path());
    let target = start(&built.binary);
    let wanted = offset_of(target.pid(), target.addresses[1].1);
    for pid in [Some(target.pid()), None] {
        assert_eq!(resolve("c", Wanted::Symbol("strlen", 0), pid).unwrap().offset, wanted);
    }
}

#[test]
fn static_programs_tell_their_choice() {
    for flags in [&["-static"][..], &["-static-pie", "-fPIE"]] {
        let directory = tempfile::tempdir().unwrap();
        let binary = directory.path().join("target");
        let source = |name: &str| format!("{PROGRAMS}/{name}.c");
        let sources = [source("indirect"), source("indirect_library")];
        let output = ["-O1", &sources[0], &sources[1], "-o", binary.to_str().unwrap()];
        run("cc", &[&output[..], flags].concat());
        let target = start(&binary);
        let wanted = offset_of(target.pid(), target.addresses[0].1);
        assert_eq!(chosen(&binary, Some(target.pid())).unwrap(), wanted, "{flags:?}");
        assert_eq!(chosen(&binary, None).unwrap(), wanted);
    }
}
