//! Compares this crate's symbols with blazesym's: `symbol-engines ours|blazesym kernel|FILE`.
//!
//! Names 10,000 addresses, of the running kernel or of a library that a child process maps, checks the
//! names against `/proc/kallsyms` or `nm`, and prints the first call, the rate of later passes and the
//! memory it took. One engine and one question per run, so that memory is that of one engine.

#![expect(clippy::print_stdout, reason = "it prints what it measured")]

use anyhow::{Context, Result, bail};
use bcc_core::kernel::kallsyms::live::LiveKallsyms;
use bcc_core::symbol::process::ProcessSymbols;
use blazesym::symbolize::source::{Kernel, Process, Source};
use blazesym::symbolize::{Input, Symbolized, Symbolizer};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::process::{Child, Command, Stdio};

/// Address → names it may be given.
type Truth = BTreeMap<u64, BTreeSet<String>>;

const COUNT: usize = 10_000;

/// A Python that has loaded the library, until its input ends.
struct Target(Child);

impl Target {
    fn start(library: &str) -> Result<Self> {
        let script =
            "import ctypes,sys; ctypes.CDLL(sys.argv[1]); print(end='.', flush=True); sys.stdin.read()";
        let mut child = Command::new("/usr/bin/python3")
            .args(["-c", script, library])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        child.stdout.as_mut().context("no output")?.read_exact(&mut [0])?;
        Ok(Self(child))
    }

    /// Where the first byte of the file is.
    fn base(&self, file: &str) -> Result<u64> {
        let maps = std::fs::read_to_string(format!("/proc/{}/maps", self.0.id()))?;
        let line = maps.lines().find(|line| line.ends_with(file)).context("not mapped")?;
        Ok(u64::from_str_radix(line.split('-').next().context("no address")?, 16)?)
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        drop(self.0.wait());
    }
}

/// Lines of `nm`: address, type, name. Functions only, in pieces of a prime's distance.
fn choose(lines: &str, base: u64) -> Truth {
    let mut all = Truth::new();
    for line in lines.lines() {
        let mut words = line.split_whitespace();
        let (Some(address), Some(kind), Some(name)) = (words.next(), words.next(), words.next())
        else {
            continue;
        };
        let name = name.split('@').next().unwrap_or(name);
        let Ok(address) = u64::from_str_radix(address, 16) else { continue };
        if address != 0 && "tTwWi".contains(kind) {
            all.entry(base + address).or_default().insert(name.to_owned());
        }
    }
    let step = (all.len() / COUNT).max(1);
    all.into_iter().step_by(step).take(COUNT).collect()
}

enum Engine {
    OursKernel(Box<LiveKallsyms>),
    Ours(Box<ProcessSymbols>),
    Blazesym(Box<Symbolizer>, Source<'static>),
}

impl Engine {
    fn new(engine: &str, pid: Option<u32>) -> Result<Self> {
        Ok(match (engine, pid) {
            ("ours", None) => Self::OursKernel(Box::new(LiveKallsyms::read()?)),
            ("ours", Some(pid)) => Self::Ours(Box::new(ProcessSymbols::new(pid.cast_signed())?)),
            ("blazesym", None) => {
                let kernel = Kernel { debug_syms: false, ..Kernel::default() };
                Self::blazesym(Source::Kernel(kernel))
            }
            ("blazesym", Some(pid)) => {
                let process = Process { debug_syms: false, ..Process::new(pid.into()) };
                Self::blazesym(Source::Process(process))
            }
            _ => bail!("the engine is ours or blazesym"),
        })
    }

    fn blazesym(source: Source<'static>) -> Self {
        let symbolizer =
            Symbolizer::builder().enable_demangling(false).enable_code_info(false).build();
        Self::Blazesym(Box::new(symbolizer), source)
    }

    /// Names of all addresses, one by one.
    fn each(&mut self, addresses: &[u64], mut sink: impl FnMut(u64, Option<&str>)) -> Result<()> {
        for &address in addresses {
            match self {
                Self::OursKernel(symbols) => {
                    sink(address, symbols.at(address).map(|symbol| symbol.name));
                }
                Self::Ours(symbols) => {
                    sink(address, symbols.resolve(address).and_then(|symbol| symbol.name));
                }
                Self::Blazesym(symbolizer, source) => {
                    match symbolizer.symbolize_single(source, Input::AbsAddr(address))? {
                        Symbolized::Sym(symbol) => sink(address, Some(&symbol.name)),
                        Symbolized::Unknown(_) => sink(address, None),
                    }
                }
            }
        }
        Ok(())
    }

    /// The same in one call, where there is one.
    fn batch(&mut self, addresses: &[u64]) -> Result<()> {
        if let Self::Blazesym(symbolizer, source) = self {
            symbolizer.symbolize(source, Input::AbsAddr(addresses))?;
            return Ok(());
        }
        self.each(addresses, |_, _| {})
    }
}

/// Milliseconds of processor time so far.
fn cpu_ms() -> Result<f64> {
    let time = nix::time::clock_gettime(nix::time::ClockId::CLOCK_PROCESS_CPUTIME_ID)?;
    Ok(std::time::Duration::from(time).as_secs_f64() * 1e3)
}

fn resident_kib() -> Result<i64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmRSS")).context("no VmRSS")?;
    Ok(line.split_whitespace().nth(1).context("no number")?.parse()?)
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, engine, what] = arguments.as_slice() else { bail!("ENGINE and kernel|FILE") };
    let (truth, target) = if what == "kernel" {
        (choose(&std::fs::read_to_string("/proc/kallsyms")?, 0), None)
    } else {
        let target = Target::start(what)?;
        let nm = Command::new("nm").args(["-D", "--defined-only", what]).output()?;
        (choose(&String::from_utf8_lossy(&nm.stdout), target.base(what)?), Some(target))
    };
    // One byte into the function, in an order that caches do not help.
    let mut addresses: Vec<u64> = truth.keys().map(|address| address + 1).collect();
    addresses.sort_by_key(|address| address.wrapping_mul(0x9e37_79b9_7f4a_7c15));

    let (memory, start) = (resident_kib()?, cpu_ms()?);
    let mut symbols = Engine::new(engine, target.as_ref().map(|target| target.0.id()))?;
    symbols.each(&addresses[..1], |_, _| {})?;
    let first = cpu_ms()? - start;
    let (mut right, mut none) = (0, 0);
    symbols.each(&addresses, |address, name| {
        none += usize::from(name.is_none());
        let known = truth.get(&(address - 1));
        right += usize::from(name.zip(known).is_some_and(|(name, known)| known.contains(name)));
    })?;
    let rate = |before: f64, after: f64| addresses.len() as f64 / (after - before) / 1e3;
    let (mut single, mut batch) = (0f64, 0f64);
    for _ in 0..5 {
        let before = cpu_ms()?;
        symbols.each(&addresses, |_, name| {
            std::hint::black_box(name);
        })?;
        let between = cpu_ms()?;
        symbols.batch(&addresses)?;
        single = single.max(rate(before, between));
        batch = batch.max(rate(between, cpu_ms()?));
    }
    println!(
        "{engine} {what}: {} addresses, first call {first:.1} ms, {single:.2} M/s one by one, \
         {batch:.2} M/s in one call, {} KiB, {right} right, {none} without name",
        addresses.len(),
        resident_kib()? - memory,
    );
    Ok(())
}
