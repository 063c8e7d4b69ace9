//! CPU of compiling the corpus with types from BTF, against the same over real headers of that kernel:
//! `./x test headers -- --bench`. Each compile is a process of its own, as users' are.

use bcc_core::compile::child::ChildCompiler;
use bcc_core::compile::{CompileRequest, Compiler as _};
use bcc_core::target::Target;
use nix::sys::resource::{UsageWho, getrusage};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The claim of the design.
const TIMES: f64 = 8.0;

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
    of[of.len() / 2]
}

#[test]
#[ignore = "needs kernel packages: run by x test headers -- --bench"]
fn types_from_btf_cost_an_eighth_of_real_headers() {
    let named =
        |name| PathBuf::from(std::env::var_os(name).unwrap_or_else(|| panic!("{name} is not set")));
    let (root, tree) = (named("BCC_BENCH_TARGET"), named("BCC_BENCH_HEADERS"));
    let scratch = tempfile::tempdir().expect("a directory");
    let modules = std::fs::read_dir(root.join("usr/lib/modules")).expect("modules");
    let release = modules.flatten().next().expect("a kernel").file_name();
    let target = Target::from_package(&root, &release.to_string_lossy(), scratch.path());
    let mut target = target.expect("a package");
    target.index_cache = Some(scratch.path().to_owned());
    let compiler = ChildCompiler::new(PathBuf::from(env!("CARGO_BIN_EXE_bcc-compiler")));
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/headers");
    let mut files: Vec<PathBuf> = std::fs::read_dir(corpus)
        .expect("the corpus")
        .flatten()
        .map(|entry| entry.path())
        .collect();
    files.retain(|path| path.extension().is_some_and(|e| e == "c"));
    files.sort();
    let (mut ratios, mut closures, mut reals) = (vec![], vec![], vec![]);
    for file in &files {
        let name = file.file_stem().expect("a file").to_string_lossy().into_owned();
        let mut request = CompileRequest {
            text: std::fs::read(file).expect("readable"),
            file: "/virtual/main.c".to_owned(),
            target: target.clone(),
            ..CompileRequest::default()
        };
        // The first builds the index that later ones find.
        if closures.is_empty() {
            let _first = cpu(&compiler, &request);
        }
        let Some(closure) = cpu(&compiler, &request) else { continue };
        request.target.kernel_source = Some(tree.clone());
        let Some(real) = cpu(&compiler, &request) else {
            println!("{name}: {closure:?}; does not compile over the real headers");
            continue;
        };
        let ratio = real.as_secs_f64() / closure.as_secs_f64();
        println!("{name}: {closure:?} and {real:?}, {ratio:.1} times");
        ratios.push(ratio);
        closures.push(closure.as_secs_f64());
        reals.push(real.as_secs_f64());
    }
    let count = ratios.len();
    let ratio = median(ratios);
    println!(
        "median of {count} programs: {:.0} ms with types from BTF, {:.0} ms over real headers, {ratio:.1} times less",
        median(closures) * 1e3,
        median(reals) * 1e3,
    );
    assert!(count > 100, "only {count} programs compile both ways");
    assert!(ratio >= TIMES, "only {ratio:.1} times less");
}
