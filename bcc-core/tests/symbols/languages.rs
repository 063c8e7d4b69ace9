//! Names of C++ and Rust functions, against those the programs print.

use super::support::{PROGRAMS, Target, run};
use std::path::Path;
use std::process::Command;

fn check(binary: &Path, count: usize) {
    let target = Target::spawn(&mut Command::new(binary), count);
    let mut symbols = target.symbols();
    for (name, address) in &target.addresses {
        let symbol = symbols.resolve_demangled(address + 1).unwrap();
        // Rust writes a type's own functions in one of two ways: `<T>::f`, `T::f`.
        let shown = symbol.name.map(|shown| shown.trim_start_matches("<").replace(">::", "::"));
        assert_eq!((shown, symbol.offset), (Some(name.replace(">::", "::")), 1));
        // As the file has it, it is another name, and leads back to the address.
        let mangled = symbols.resolve(*address).unwrap().name.unwrap().to_owned();
        assert_eq!(mangled == *name, name == "main", "{mangled}");
        assert_eq!(symbols.resolve_name("target", &mangled), Some(*address));
    }
}

#[test]
fn names_of_cpp_are_as_their_author_wrote_them() {
    for flag in ["-O1", "-O2"] {
        let directory = tempfile::tempdir().unwrap();
        let binary = directory.path().join("target");
        run("g++", &[flag, &format!("{PROGRAMS}/names.cpp"), "-o", binary.to_str().unwrap()]);
        check(&binary, 6);
    }
}

#[test]
fn names_of_rust_are_as_rust_tells_them() {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    for mangling in ["legacy", "v0"] {
        let directory = tempfile::tempdir().unwrap();
        let binary = directory.path().join("target");
        let mut command = Command::new(&rustc);
        command.args(["--edition=2024", "-Copt-level=1", "-Zunstable-options"]);
        let version = format!("-Csymbol-mangling-version={mangling}");
        // Only the newer mangling is stable by name; the older may be chosen with a switch.
        command.arg(version).env("RUSTC_BOOTSTRAP", "1");
        command.arg(format!("{PROGRAMS}/names.rs")).arg("-o").arg(&binary);
        assert!(command.status().unwrap().success());
        check(&binary, 3);
    }
}
