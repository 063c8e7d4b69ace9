//! `bcc-compiler time`: CPU time of compiles, with the compiler loaded and warm.

use bcc_core::compile::{CompileRequest, Compiler as _, MAIN_FILE};
use bcc_core::target::Target;
use nix::time::{ClockId, clock_gettime};
use std::io::{self, Write};
use std::path::Path;

/// Compiles each file, after a first round that warms up, and prints `MICROSECONDS FILE`, or `error
/// FILE: MESSAGE`. Words that begin with a dash are the compiler's; `--target SNAPSHOT` names a kernel.
///
/// # Errors
/// A file or a Target that cannot be read.
pub(crate) fn run(words: &[&str]) -> io::Result<()> {
    let mut request = CompileRequest {
        file: MAIN_FILE.to_owned(),
        cwd: std::env::current_dir()?,
        ..CompileRequest::default()
    };
    let mut files = Vec::new();
    let mut target = None;
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if *word == "--target" {
            let snapshot = words.next().copied().unwrap_or_default();
            target = Some(Target::from_dir(Path::new(snapshot)).map_err(io::Error::other)?);
        } else if word.starts_with('-') {
            request.cflags.push((*word).to_owned());
        } else {
            files.push(*word);
        }
    }
    request.target = match target {
        Some(target) => target,
        None => Target::running().map_err(io::Error::other)?,
    };
    let mut out = io::stdout().lock();
    for round in 0..2 {
        for file in &files {
            request.text = std::fs::read(file)?;
            let before = cpu_time()?;
            let result = bcc_frontend::Compiler.compile(&request);
            let spent = cpu_time()?.saturating_sub(before);
            match result {
                _ if round == 0 => {}
                Ok(_) => writeln!(out, "{spent} {file}")?,
                Err(error) => {
                    let text = error.to_string();
                    writeln!(out, "error {file}: {}", text.lines().next().unwrap_or_default())?;
                }
            }
        }
    }
    Ok(())
}

/// CPU time of this process in microseconds.
fn cpu_time() -> io::Result<u64> {
    let now = clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).map_err(io::Error::from)?;
    let micros = now.tv_sec() * 1_000_000 + now.tv_nsec() / 1000;
    Ok(u64::try_from(micros).unwrap_or_default())
}
