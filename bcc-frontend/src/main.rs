//! `bcc-compiler`: the compiler as a process of its own.
//!
//! Without arguments it answers requests on its standard input (`bcc_core::compile::child`);
//! `serve DIR --target SNAPSHOT…` answers those that other machines leave in a shared directory
//! (`bcc_core::compile::spool`); `capture DIR` writes what a compile may know of the running kernel
//! into a directory, which is such a SNAPSHOT; `time FILE…` says what compiles cost.

mod timing;

use bcc_core::compile::child::{self, ChildCompiler};
use bcc_core::compile::spool;
use bcc_core::target::Target;
use nix::sys::signal::{SigSet, Signal};
use std::io;
use std::path::Path;
use std::process::ExitCode;

/// clang recurses over expressions; deep ones need more than a thread's usual 2 MiB.
const STACK: usize = 64 << 20;

const USAGE: &str =
    "usage: bcc-compiler [serve DIRECTORY --target SNAPSHOT... | capture DIRECTORY | time FILE...]";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match words.as_slice() {
        [] => answer_on_stdin(),
        ["serve", directory, rest @ ..] => serve(Path::new(directory), rest),
        ["capture", directory] => {
            Target::capture(Path::new(directory)).map(drop).map_err(io::Error::other)
        }
        ["time", rest @ ..] => timing::run(rest),
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

fn serve(directory: &Path, rest: &[&str]) -> io::Result<()> {
    nix::sys::prctl::set_pdeathsig(Signal::SIGTERM)?;
    let mut targets = Vec::new();
    for pair in rest.chunks(2) {
        let ["--target", snapshot] = pair else { return Err(io::Error::other(USAGE)) };
        targets.push(Target::from_dir(Path::new(snapshot)).map_err(io::Error::other)?);
    }
    // One process per text, so that a text which kills the compiler does not end the service.
    let compiler = ChildCompiler::new(std::env::current_exe()?);
    spool::serve(directory, &targets, &compiler, &|| false)
}
