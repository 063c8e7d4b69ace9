//! CPU of compiling the corpus with types from BTF, against the same over real headers of that kernel:
//! `./x test headers -- --bench`. Each compile is a process of its own, as users' are.
//!
//! Both ways parse twice, once to rewrite and once to generate code. Another compiler may do with one
//! parse, so the claim must hold when one of those over real headers is taken off, too; and it is about
//! headers that were not read before, so precompiled ones are measured apart.

use bcc_core::compile::child::ChildCompiler;
use bcc_core::compile::{CompileRequest, Compiler as _};
use bcc_core::target::Target;
use nix::sys::resource::{UsageWho, getrusage};
use nix::time::{ClockId, clock_gettime};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The claim of the design.
const TIMES: f64 = 8.0;

/// CPU of a compile over real headers that were read before.
const SECOND: Duration = Duration::from_millis(60);

fn children() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).expect("usage");
    let time = |t: nix::sys::time::TimeVal| {
        Duration::from_secs(t.tv_sec().unsigned_abs())
            + Duration::from_micros(t.tv_usec().unsigned_abs())
    };
    time(usage.user_time()) + time(usage.system_time())
}

/// CPU of one compile that succeeds.
fn cpu(compiler: &ChildCompiler, request: &CompileRequest) -> Option<Duration> {
    let before = children();
    compiler.compile(request).ok()?;
    Some(children().checked_sub(before).expect("it only grows"))
}

fn median(mut of: Vec<f64>) -> f64 {
    of.sort_by(f64::total_cmp);
    of.get(of.len() / 2).copied().unwrap_or(f64::NAN)
}

fn corpus() -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/headers");
    let entries = std::fs::read_dir(directory).expect("the corpus").flatten();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|e| e == "c"));
    // For work on one program: its name.
    if let Ok(only) = std::env::var("BCC_TEST_PROGRAM") {
        files.retain(|path| only.split(',').any(|o| path.file_stem().is_some_and(|s| s == o)));
    }
    files.sort();
    files
}

/// CPU of one parse of the text and all that it includes, in this process.
fn parse(request: &CompileRequest) -> Duration {
    let clock =
        || -> Duration { clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).expect("a clock").into() };
    let input = bcc_frontend::headers::build_real(request).expect("a tree").input;
    let begun = clock();
    let index = bcc_frontend::clang::Index::new().expect("an index");
    drop(index.parse(&input).expect("a unit"));
    clock() - begun
}

/// The kernel of `BCC_BENCH_TARGET` and its headers in `BCC_BENCH_HEADERS`, with a private cache.
struct Bench {
    /// Gone with everything in it when this is dropped.
    _scratch: tempfile::TempDir,
    target: Target,
    tree: PathBuf,
    compiler: ChildCompiler,
}

impl Bench {
    fn new() -> Self {
        let named = |name| {
            PathBuf::from(std::env::var_os(name).unwrap_or_else(|| panic!("{name} is not set")))
        };
        let (root, tree) = (named("BCC_BENCH_TARGET"), named("BCC_BENCH_HEADERS"));
        let scratch = tempfile::tempdir().expect("a directory");
        // Precompiled headers are kept only where nobody else can enter.
        let closed = std::fs::Permissions::from_mode(0o700);
        std::fs::set_permissions(scratch.path(), closed).expect("closed");
        let modules = std::fs::read_dir(root.join("usr/lib/modules")).expect("modules");
        let release = modules.flatten().next().expect("a kernel").file_name();
        let target = Target::from_package(&root, &release.to_string_lossy(), scratch.path());
        let mut target = target.expect("a package");
        target.index_cache = Some(scratch.path().to_owned());
        let compiler = ChildCompiler::new(PathBuf::from(env!("CARGO_BIN_EXE_bcc-compiler")));
        Self { _scratch: scratch, target, tree, compiler }
    }

    /// A program of the corpus, with types from BTF.
    fn request(&self, file: &Path) -> CompileRequest {
        CompileRequest {
            text: std::fs::read(file).expect("readable"),
            file: "/virtual/main.c".to_owned(),
            target: self.target.clone(),
            ..CompileRequest::default()
        }
    }

    /// The same over real headers.
    fn over_real_headers(&self, file: &Path) -> CompileRequest {
        let mut request = self.request(file);
        request.target.kernel_source = Some(self.tree.clone());
        request
    }
}

fn name_of(file: &Path) -> String {
    file.file_stem().expect("a file").to_string_lossy().into_owned()
}

#[test]
#[ignore = "needs kernel packages: run by x test headers -- --bench"]
fn types_from_btf_cost_an_eighth_of_real_headers() {
    let bench = Bench::new();
    let (mut ratios, mut cautious, mut closures, mut reals) = (vec![], vec![], vec![], vec![]);
    for file in &corpus() {
        let (name, request) = (name_of(file), bench.request(file));
        // The first builds the index that later ones find.
        if closures.is_empty() {
            let _first = cpu(&bench.compiler, &request);
        }
        let Some(closure) = cpu(&bench.compiler, &request) else { continue };
        let mut request = bench.over_real_headers(file);
        // Where nothing can be kept, nothing is precompiled.
        request.target.index_cache = Some(PathBuf::from("/nowhere"));
        let Some(real) = cpu(&bench.compiler, &request) else {
            println!("{name}: {closure:?}; does not compile over the real headers");
            continue;
        };
        let single = real.saturating_sub(parse(&request));
        let (closure, real, single) =
            (closure.as_secs_f64(), real.as_secs_f64(), single.as_secs_f64());
        let ratio = real / closure;
        println!(
            "{name}: {:.0} ms and {:.0} ms, {ratio:.1} times; {:.1} times with one parse",
            closure * 1e3,
            real * 1e3,
            single / closure
        );
        ratios.push(ratio);
        cautious.push(single / closure);
        closures.push(closure);
        reals.push(real);
    }
    let count = ratios.len();
    let (ratio, cautious) = (median(ratios), median(cautious));
    println!(
        "median of {count} programs: {:.0} ms with types from BTF, {:.0} ms over real headers, \
         {ratio:.1} times less; {cautious:.1} times less than with one parse of them",
        median(closures) * 1e3,
        median(reals) * 1e3,
    );
    assert!(count > 100, "only {count} programs compile both ways");
    assert!(cautious >= TIMES, "only {cautious:.1} times less");
}

#[test]
#[ignore = "needs kernel packages: run by x test headers -- --bench"]
fn a_second_compile_over_real_headers_costs_under_60_ms() {
    let bench = Bench::new();
    let (mut seconds, mut slow) = (vec![], vec![]);
    for file in &corpus() {
        let (name, request) = (name_of(file), bench.over_real_headers(file));
        if cpu(&bench.compiler, &request).is_none() {
            continue;
        }
        // The smaller of two: what else the machine did is not the compile's.
        let again = || cpu(&bench.compiler, &request).expect("it compiled before");
        let second = again().min(again());
        println!("{name}: {:.0} ms over precompiled headers", second.as_secs_f64() * 1e3);
        seconds.push(second.as_secs_f64());
        if second >= SECOND {
            slow.push(name);
        }
    }
    let (count, most) = (seconds.len(), seconds.iter().copied().fold(0.0, f64::max));
    println!(
        "{count} programs over precompiled headers: median {:.0} ms, at most {:.0} ms",
        median(seconds) * 1e3,
        most * 1e3,
    );
    assert_eq!(slow, [""; 0], "not under {SECOND:?}");
    assert!(count > 100, "only {count} programs compile");
}
