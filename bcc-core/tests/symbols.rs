//! Symbols of C programs built here in several ways, against what the programs say of themselves.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use bcc_core::symbol::place::{Wanted, resolve};
use bcc_core::symbol::process::ProcessSymbols;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/programs/symbols.c");
const FUNCTIONS: [&str; 3] = ["hidden_function", "public_function", "main"];

fn run(program: &str, arguments: &[&str]) {
    let status = Command::new(program).args(arguments).status().unwrap();
    assert!(status.success(), "{program} {arguments:?}");
}

/// Builds the program with more flags.
fn build(directory: &Path, flags: &[&str]) -> PathBuf {
    let binary = directory.join("target");
    let mut arguments = vec!["-O1", "-g", "-Wl,--build-id=sha1", SOURCE, "-o"];
    arguments.push(binary.to_str().unwrap());
    arguments.extend_from_slice(flags);
    run("cc", &arguments);
    binary
}

/// A running target and the addresses it told.
struct Target {
    child: Child,
    addresses: Vec<(String, u64)>,
}

impl Target {
    fn start(binary: &Path) -> Self {
        let mut command = Command::new(binary);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().take(FUNCTIONS.len());
        let parse = |line: std::io::Result<String>| {
            let line = line.unwrap();
            let (name, address) = line.split_once(" 0x").unwrap();
            (name.to_owned(), u64::from_str_radix(address, 16).unwrap())
        };
        let addresses: Vec<_> = lines.map(parse).collect();
        assert_eq!(addresses.len(), FUNCTIONS.len());
        Self { child, addresses }
    }

    fn symbols(&self) -> ProcessSymbols {
        ProcessSymbols::new(self.child.id().cast_signed()).unwrap()
    }

    /// Each address has its name, one byte into the function too, and each name its address.
    fn check(&self, binary: &Path) {
        let mut symbols = self.symbols();
        for (name, address) in &self.addresses {
            for into in [0, 1] {
                let symbol = symbols.resolve(address + into).unwrap();
                assert_eq!((symbol.name, symbol.offset), (Some(name.as_str()), into));
                assert_eq!(symbol.module, binary.to_str().unwrap());
            }
            assert_eq!(symbols.resolve_name("target", name), Some(*address));
        }
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        drop(self.child.wait());
    }
}

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
