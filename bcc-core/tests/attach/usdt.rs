//! Probes of Debian's Python, which fire only while their semaphore is up.

use super::common::Alone;
use super::support::{Counter, load};
use bcc_core::link::uprobe;
use bcc_core::usdt::{Usdt, UsdtError, generate};
use bcc_sys::bpf::ProgType;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Child, Command, Stdio};

const PYTHON: &str = "/usr/bin/python3";

/// Echoes each byte after calling a Python function so many times as its code. Python 3.11
/// comes by its probes only while something traces or profiles.
const SCRIPT: &str = "\
import os, sys
def f(): pass
sys.setprofile(lambda *event: None)
while True:
    c = os.read(0, 1)
    if not c: break
    for i in range(c[0]): f()
    os.write(1, c)
";

struct Python(Child);

impl Python {
    fn start() -> Self {
        let child = Command::new(PYTHON)
            .args(["-I", "-c", SCRIPT])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut python = Self(child);
        python.call(0);
        python
    }

    fn call(&mut self, times: u8) {
        self.0.stdin.as_mut().unwrap().write_all(&[times]).unwrap();
        let mut echo = [0];
        self.0.stdout.as_mut().unwrap().read_exact(&mut echo).unwrap();
        assert_eq!(echo, [times]);
    }

    fn pid(&self) -> i32 {
        self.0.id().cast_signed()
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        self.0.wait().unwrap();
    }
}

fn count_calls(usdt: &Usdt, python: &mut Python) -> u64 {
    let counter = Counter::new();
    let program = load(ProgType::KPROBE, 0, &counter.bump(0));
    let attach = |a: bcc_core::usdt::Attachment| uprobe::attach(program.as_fd(), &a.opts).unwrap();
    let links: Vec<_> = usdt.attachments(false).into_iter().map(attach).collect();
    python.call(41);
    drop(links);
    python.call(7);
    counter.value()
}

#[test]
fn calls_of_a_python_program_are_counted_by_process() {
    let Some(_alone) = Alone::as_root() else { return };
    let mut python = Python::start();
    for path in [None, Some(Path::new(PYTHON))] {
        let mut usdt = Usdt::of_process(python.pid(), path).unwrap();
        let probe = usdt.probe("python:function__entry").unwrap();
        assert_ne!((probe.semaphore, probe.semaphore_offset), (0, 0));
        assert_eq!(probe.argument_count(), 3);
        assert_eq!(usdt.argument_type("function__entry", 2).unwrap(), "int32_t");
        usdt.enable("function__entry", "trace_entry").unwrap();
        assert_eq!(count_calls(&usdt, &mut python), 41);
        let text = generate(&[&usdt]).unwrap();
        assert!((1..=3).all(|n| text.contains(&format!("_bpf_readarg_trace_entry_{n}("))));
    }
}

#[test]
fn probes_of_a_file_are_those_of_its_processes() {
    let Some(_alone) = Alone::as_root() else { return };
    let python = Python::start();
    let names = |usdt: &Usdt| -> Vec<String> {
        let own = usdt.probes().iter().filter(|probe| probe.provider == "python");
        own.map(bcc_core::usdt::Probe::full_name).collect()
    };
    let file = Usdt::of_path(PYTHON).unwrap();
    assert!(names(&file).contains(&"python:line".to_owned()));
    assert_eq!(names(&file), names(&Usdt::of_process(python.pid(), None).unwrap()));
}

#[test]
fn wrong_names_and_paths_are_refused() {
    let Some(_alone) = Alone::as_root() else { return };
    let python = Python::start();
    let mut usdt = Usdt::of_process(python.pid(), Some(Path::new(PYTHON))).unwrap();
    assert!(matches!(usdt.enable("no_such", "f"), Err(UsdtError::NoProbe(_))));
    assert!(matches!(usdt.argument_type("line", 9), Err(UsdtError::NoArgument { index: 10, .. })));
    let relative = Usdt::of_process(python.pid(), Some(Path::new("python3")));
    assert!(matches!(relative, Err(UsdtError::RelativePath(_))));
    assert!(matches!(Usdt::of_path("/no/such/file"), Err(UsdtError::NoFile(_))));
    assert!(matches!(Usdt::of_process(i32::MAX, None), Err(UsdtError::Process { .. })));
}
