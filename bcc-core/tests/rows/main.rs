//! The Rust API, row by row: what `spec/rust-and-c-api` lists for C++ and for the Rust crate, each seen to
//! work from a text on. `x test api` runs these and prints their rows; they need root and the compiler.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, reason = "rows are what these tests give")]

mod events;
mod hooks;
mod maps;
mod module;
mod objects;
mod probes;

use anyhow::Result;
use bcc_core::{Bpf, BpfBuilder};
use std::fmt::Display;

/// This test has shown `name`, and this is what it saw.
fn row(name: &str, value: impl Display) {
    println!("row\t{name}\t{value}");
}

/// Ends the test when the kernel lacks what it is about: the row counts as missing there.
macro_rules! needs {
    ($there:expr, $what:literal) => {
        if !$there {
            println!("skip\tthis kernel has no {}", $what);
            return Ok(());
        }
    };
}
pub(crate) use needs;

/// Counts in `hits[0]` what this process does.
const COUNT: &str = "
BPF_ARRAY(hits, u64, 1);
static inline int hit(void) {
    int zero = 0;
    u64 *n = hits.lookup(&zero);
    if (n && bpf_get_current_pid_tgid() >> 32 == PID) __sync_fetch_and_add(n, 1);
    return 0;
}
";

/// A builder for texts that know this process.
fn builder() -> BpfBuilder {
    Bpf::builder().cflags([format!("-DPID={}", std::process::id())])
}

/// COUNT and `programs`.
fn counting(programs: &str) -> Result<Bpf> {
    Ok(builder().build_from_text(format!("{COUNT}{programs}"))?)
}

fn hits(bpf: &Bpf) -> u64 {
    bpf.typed_map::<u32, u64>("hits").unwrap().get(&0).unwrap().unwrap()
}

fn has_kprobes() -> bool {
    std::path::Path::new("/sys/bus/event_source/devices/kprobe").exists()
}

/// The system call that the programs hook.
fn getpgid() {
    nix::unistd::getpgid(None).unwrap();
}
