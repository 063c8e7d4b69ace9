//! Semaphores raised by writing, seen by the program they are in.

use super::support::{PROGRAMS, run};
use bcc_core::usdt::Usdt;
use bcc_core::usdt::semaphore::Semaphore;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

#[test]
fn program_sees_its_semaphore_raised_and_lowered() {
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let (library, binary) = (path("libprobes.so"), path("arguments"));
    let source = |name: &str| format!("{PROGRAMS}/usdt/{name}.c");
    run("cc", &["-O1", "-shared", "-fPIC", &source("library"), "-o", &library]);
    let rpath = format!("-Wl,-rpath,{}", directory.path().display());
    run("cc", &["-O1", "-pie", "-fPIE", &source("arguments"), &library, &rpath, "-o", &binary]);
    let mut command = Command::new(&binary);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut counted = || {
        input.write_all(b"7\n").unwrap();
        let lines = output.by_ref().map(Result::unwrap).take_while(|line| line != ".");
        lines.filter(|line| line == "counted 7").count()
    };
    assert_eq!(counted(), 0);
    let pid = child.id().cast_signed();
    let usdt = Usdt::of_process(pid, None).unwrap();
    let address = usdt.semaphore_address(usdt.probe("args:counted").unwrap()).unwrap();
    let first = Semaphore::raise(pid, address).unwrap();
    let second = Semaphore::raise(pid, address).unwrap();
    assert_eq!(counted(), 1);
    drop(first);
    assert_eq!(counted(), 1);
    drop(second);
    assert_eq!(counted(), 0);
    assert!(Semaphore::raise(pid, 16).is_err());
    assert_eq!(usdt.semaphore_address(usdt.probe("library:called").unwrap()), None);
    drop(input);
    child.wait().unwrap();
}
