//! `bcc-compiler`: the compiler as a process of its own.
//!
//! Without arguments it answers requests on its standard input (`bcc_core::compile::child`).

use bcc_core::compile::child;
use nix::sys::signal::{SigSet, Signal};
use std::io;
use std::process::ExitCode;

/// clang recurses over expressions; deep ones need more than a thread's usual 2 MiB.
const STACK: usize = 64 << 20;

const USAGE: &str = "usage: bcc-compiler (it takes requests on its standard input)";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match words.as_slice() {
        [] => answer_on_stdin(),
        _ => Err(io::Error::other(USAGE)),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            complain(&e);
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stderr, reason = "the one place where this program speaks to a person")]
fn complain(error: &io::Error) {
    eprintln!("bcc-compiler: {error}");
}

fn answer_on_stdin() -> io::Result<()> {
    // Ctrl-C is for the program that waits for the answer; this one ends with it.
    let mut interrupt = SigSet::empty();
    interrupt.add(Signal::SIGINT);
    interrupt.thread_block()?;
    nix::sys::prctl::set_pdeathsig(Signal::SIGKILL)?;
    let compile = || {
        let (mut from, mut to) = (io::stdin().lock(), io::stdout().lock());
        child::serve(&mut from, &mut to, &bcc_frontend::Compiler)
    };
    let thread = std::thread::Builder::new().stack_size(STACK).spawn(compile)?;
    thread.join().unwrap_or_else(|_panic| Err(io::Error::other("the compiler panicked")))
}
