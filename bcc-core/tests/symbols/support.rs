//! Programs that print where their functions are.

use bcc_core::symbol::process::ProcessSymbols;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

/// A directory's worth of C programs.
pub(crate) const PROGRAMS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/programs");

pub(crate) fn run(program: &str, arguments: &[&str]) {
    let status = Command::new(program).args(arguments).status().unwrap();
    assert!(status.success(), "{program} {arguments:?}");
}

/// Builds `symbols.c` with more flags.
pub(crate) fn build(directory: &Path, flags: &[&str]) -> PathBuf {
    build_program(directory, "symbols.c", flags)
}

/// Builds a program with more flags, as `target`.
pub(crate) fn build_program(directory: &Path, source: &str, flags: &[&str]) -> PathBuf {
    let binary = directory.join("target");
    let source = format!("{PROGRAMS}/{source}");
    let mut arguments = vec!["-O1", "-g", "-Wl,--build-id=sha1", &source, "-o"];
    arguments.push(binary.to_str().unwrap());
    arguments.extend_from_slice(flags);
    run("cc", &arguments);
    binary
}

/// A running target and the addresses it told.
pub(crate) struct Target {
    pub(crate) child: Child,
    pub(crate) addresses: Vec<(String, u64)>,
    output: BufReader<ChildStdout>,
}

impl Target {
    /// Starts a program that tells three addresses.
    pub(crate) fn start(binary: &Path) -> Self {
        Self::spawn(&mut Command::new(binary), 3)
    }

    /// Starts a program and reads so many addresses.
    pub(crate) fn spawn(command: &mut Command, count: usize) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let mut target = Self { addresses: Vec::new(), child, output };
        target.read(count);
        target
    }

    /// Gives the program a line, and reads so many addresses instead of those before.
    pub(crate) fn go_on(&mut self, line: &str, count: usize) {
        let input = self.child.stdin.as_mut().unwrap();
        input.write_all(format!("{line}\n").as_bytes()).unwrap();
        self.read(count);
    }

    fn read(&mut self, count: usize) {
        let parse = |line: std::io::Result<String>| {
            let line = line.unwrap();
            let (name, address) = line.split_once(" 0x").unwrap();
            (name.to_owned(), u64::from_str_radix(address, 16).unwrap())
        };
        self.addresses = self.output.by_ref().lines().take(count).map(parse).collect();
        assert_eq!(self.addresses.len(), count);
    }

    pub(crate) fn pid(&self) -> i32 {
        self.child.id().cast_signed()
    }

    pub(crate) fn symbols(&self) -> ProcessSymbols {
        ProcessSymbols::new(self.pid()).unwrap()
    }

    /// Each address has its name, one byte into the function too, and each name its address.
    pub(crate) fn check(&self, binary: &Path) {
        self.check_with(&mut self.symbols(), binary);
    }

    pub(crate) fn check_with(&self, symbols: &mut ProcessSymbols, binary: &Path) {
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
