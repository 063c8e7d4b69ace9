//! Counts the processes that a command makes, with the compiler inside this process.
//!
//! ```text
//! $ cargo run --example forks -- sh -c 'true | cat; true | cat'
//! 5 processes
//! ```
//!
//! `bcc_frontend::Compiler` links LLVM into this program: there is no second executable to install,
//! but the program is 100 MB larger in memory, and a text that makes clang overflow its stack ends it.

#![expect(clippy::print_stdout, reason = "an example prints what it found")]

use bcc_core::Bpf;
use std::process::Command;

const TEXT: &str = r"
BPF_ARRAY(watched, u32, 1);
BPF_HASH(family, u32, u32);
BPF_HASH(forks, u32);

TRACEPOINT_PROBE(sched, sched_process_fork)
{
    int zero = 0;
    u32 parent = args->parent_pid, child = args->child_pid;
    u32 *root = watched.lookup(&zero);

    if (!root || !(parent == *root || family.lookup(&parent)))
        return 0;
    family.update(&child, &parent);
    forks.increment(parent);
    return 0;
}
";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut words = std::env::args().skip(1);
    let program = words.next().unwrap_or_else(|| "true".to_owned());

    let bpf = Bpf::builder().compiler(bcc_frontend::Compiler).build_from_text(TEXT)?;
    bpf.typed_map::<u32, u32>("watched")?.insert(&0, &std::process::id())?;
    Command::new(program).args(words).status()?;

    let mut total = 0;
    for item in bpf.typed_map::<u32, u64>("forks")?.iter() {
        total += item?.1;
    }
    println!("{total} processes");
    Ok(())
}
