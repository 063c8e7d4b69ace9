//! The corpus below `tests/headers`, type-checked for every Target at hand; no kernel is booted.
//!
//! Targets: the running kernel, each snapshot in `BCC_TEST_TARGETS` (directories, separated by colons),
//! and each kernel whose packages are unpacked in vmrun's cache. What a program names and a Target's BTF
//! does not have is printed with the look-up, and only that excuses a program.

use bcc_core::compile::CompileRequest;
use bcc_core::target::Target;
use bcc_sys::btf::{Found, Index, Type};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// What became of one program.
#[derive(Debug)]
enum Outcome {
    Passed {
        retried: bool,
        bytes: usize,
        generator_us: u128,
    },
    /// Names that this Target's BTF does not have.
    Absent(Vec<String>),
    Failed(String),
}

fn corpus() -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/headers");
    let entries = std::fs::read_dir(directory).expect("the corpus");
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|e| e == "c"));
    // For work on one program: its name.
    if let Ok(only) = std::env::var("BCC_TEST_PROGRAM") {
        files
            .retain(|path| path.file_stem().is_some_and(|stem| only.split(',').any(|o| stem == o)));
    }
    files.sort();
    files
}

fn targets(scratch: &Path) -> BTreeMap<String, Target> {
    let mut targets = BTreeMap::new();
    let live = Target::live();
    if live.vmlinux_btf.is_some() {
        targets.insert(live.release.clone(), live);
    }
    let snapshots = std::env::var("BCC_TEST_TARGETS").unwrap_or_default();
    for directory in snapshots.split(':').filter(|d| !d.is_empty()) {
        let target = Target::from_dir(Path::new(directory)).expect("a snapshot");
        targets.insert(target.release.clone(), target);
    }
    let home = std::env::var("HOME").unwrap_or_default();
    let cache = std::env::var("VMRUN_CACHE").unwrap_or_else(|_| format!("{home}/.cache/vmrun"));
    let kernels =
        std::fs::read_dir(Path::new(&cache).join("kernels")).into_iter().flatten().flatten();
    for kernel in kernels {
        let release = kernel.file_name().to_string_lossy().into_owned();
        let out = scratch.join(&release);
        // A download that was broken off has no image.
        if let Ok(target) = Target::from_package(&kernel.path().join("root"), &release, &out) {
            targets.insert(release, target);
        }
    }
    targets
}

fn first_line(text: &str) -> BTreeMap<String, String> {
    let head = text.lines().take_while(|line| line.starts_with("//"));
    let pairs = head.filter_map(|line| line.trim_start_matches("//").trim().split_once(':'));
    pairs.map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned())).collect()
}

/// Type-checks what the first stage made, with the dialect's tables as plain structs.
fn check(
    directory: &Path,
    request: &CompileRequest,
    missing: &[String],
) -> Result<(usize, u128), String> {
    let begun = Instant::now();
    let built =
        bcc_frontend::headers::build(request, missing).map_err(|error| error.to_string())?;
    let took = begun.elapsed().as_micros();
    let root = directory.display().to_string();
    let mut bytes = 0;
    for file in &built.input.files {
        let path = PathBuf::from(format!("{root}{}", file.path));
        std::fs::create_dir_all(path.parent().expect("below the root")).expect("created");
        std::fs::write(&path, &file.text).expect("written");
        if path.ends_with("bcc/vmlinux.h") {
            bytes = file.text.len();
        }
    }
    let args =
        built.input.args.iter().map(|arg| arg.replace("/virtual", &format!("{root}/virtual")));
    let output = Command::new("clang-19")
        .args(args)
        .args(["-D__BCC_PARSE__", "-Werror=implicit-function-declaration", "-fsyntax-only"])
        .arg(format!("{root}{}", built.input.main))
        .output()
        .expect("clang-19 is installed");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() { Ok((bytes, took)) } else { Err(text) }
}

/// The names in clang's complaints: undeclared, unknown, incomplete, no member.
fn complaints(errors: &str) -> Vec<(String, Option<String>)> {
    let errors = errors.lines().filter(|line| line.contains("error:"));
    let mut names = Vec::new();
    for line in errors {
        let quoted: Vec<&str> = line.split('\'').skip(1).step_by(2).collect();
        let tag = |text: &str| {
            let text = text.trim_start_matches("const ").trim_end_matches(['*', ' ']);
            text.rsplit(' ').next().unwrap_or(text).to_owned()
        };
        match quoted.as_slice() {
            [member, owner, ..] if line.contains("no member named") => {
                names.push(((*member).to_owned(), Some(tag(owner))));
            }
            [.., incomplete] if line.contains("incomplete") => names.push((tag(incomplete), None)),
            [name, ..] => names.push((tag(name), None)),
            [] => {}
        }
    }
    names.dedup();
    names
}

fn is_absent(types: &Index, name: &str, owner: Option<&str>) -> bool {
    match owner {
        Some(tag) => types.composite(tag).is_some() && !types.has_member(tag, name),
        // A tag that is only declared somewhere is as absent as one that is not there.
        None => types.find(name).all(|found| match found {
            Found::Type(id) => matches!(types.btf().get(id), Ok(Type::Fwd { .. }) | Err(_)),
            Found::Enumerator(_) => false,
        }),
    }
}

fn run(target: &Target, types: &Index, program: &Path) -> Outcome {
    let text = std::fs::read(program).expect("readable");
    let head = first_line(&String::from_utf8_lossy(&text));
    let request = CompileRequest {
        text,
        file: "/virtual/main.c".to_owned(),
        cflags: head
            .get("cflags")
            .map(|f| f.split(' ').map(str::to_owned).collect())
            .unwrap_or_default(),
        cwd: program.parent().expect("in a directory").to_owned(),
        target: target.clone(),
        ..CompileRequest::default()
    };
    let directory = tempfile::tempdir().expect("a temporary directory");
    let first = match check(directory.path(), &request, &[]) {
        Ok((bytes, generator_us)) => {
            return Outcome::Passed { retried: false, bytes, generator_us };
        }
        Err(errors) => errors,
    };
    let missing: Vec<String> = complaints(&first).into_iter().map(|(name, _)| name).collect();
    let errors = match check(directory.path(), &request, &missing) {
        Ok((bytes, generator_us)) => return Outcome::Passed { retried: true, bytes, generator_us },
        Err(errors) => errors,
    };
    let names = complaints(&errors);
    let proven =
        |(name, owner): &(String, Option<String>)| is_absent(types, name, owner.as_deref());
    // An excuse must be written down in the program, so that no absence is ever a surprise.
    let expected = head.get("absent").cloned().unwrap_or_default();
    let listed =
        |(name, _): &(String, Option<String>)| expected.split(' ').any(|word| word == name);
    if !names.is_empty() && names.iter().all(|name| proven(name) && listed(name)) {
        let show = |(name, owner): &(String, Option<String>)| match owner {
            Some(owner) => format!("struct {owner} has no member {name}"),
            None => format!("nothing is named {name}"),
        };
        return Outcome::Absent(names.iter().map(show).collect());
    }
    Outcome::Failed(errors)
}

#[test]
fn the_corpus_compiles_for_every_target() {
    let scratch = tempfile::tempdir().expect("a temporary directory");
    let (corpus, targets) = (corpus(), targets(scratch.path()));
    assert!(!targets.is_empty(), "no Target at hand");
    let mut failures = Vec::new();
    for (release, target) in &targets {
        let types = target.btf().expect("BTF");
        let (mut passed, mut absent, mut retries, mut sizes, mut times) = (0, 0, 0, vec![], vec![]);
        for program in &corpus {
            let name = program.file_stem().expect("a file").to_string_lossy().into_owned();
            match run(target, &types, program) {
                Outcome::Passed { retried, bytes, generator_us } => {
                    passed += 1;
                    retries += usize::from(retried);
                    sizes.push(bytes);
                    times.push(generator_us);
                }
                Outcome::Absent(names) => {
                    absent += 1;
                    println!("{release}: {name}: absent there: {}", names.join(", "));
                }
                Outcome::Failed(errors) => {
                    let head: Vec<&str> = errors.lines().take(12).collect();
                    failures.push(format!("{release}: {name}:\n{}", head.join("\n")));
                }
            }
        }
        sizes.sort_unstable();
        times.sort_unstable();
        println!(
            "{release}: {passed} of {} pass, {absent} need what is absent there, {retries} with a retry; \
             median {} bytes of types, {} us of generator",
            corpus.len(),
            sizes.get(sizes.len() / 2).unwrap_or(&0),
            times.get(times.len() / 2).unwrap_or(&0),
        );
    }
    assert!(failures.is_empty(), "{} failures\n{}", failures.len(), failures.join("\n\n"));
}
