//! The corpus below `tests/headers`, compiled for every Target at hand; no kernel is booted.
//!
//! What a program names and a Target's BTF does not have is printed with the look-up, and only that
//! excuses a program.

mod targets;

use bcc_core::compile::{CompileError, CompileOutput, CompileRequest, Compiler as _};
use bcc_core::spec::{Diagnostic, Severity};
use bcc_core::target::{ModuleTypes, Target};
use bcc_frontend::headers::Missing;
use bcc_sys::btf::{Found, Index, Type};
use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What became of one program.
#[derive(Debug)]
enum Outcome {
    Passed {
        bytes: usize,
        cpu: Duration,
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

fn first_line(text: &str) -> BTreeMap<String, String> {
    let head = text.lines().take_while(|line| line.starts_with("//"));
    let pairs = head.filter_map(|line| line.trim_start_matches("//").trim().split_once(':'));
    pairs.map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned())).collect()
}

/// The names in clang's complaints: undeclared, unknown, incomplete, no member.
fn complaints(errors: &[Diagnostic]) -> Vec<(String, Option<String>)> {
    let mut names = Vec::new();
    for message in errors.iter().map(|error| &error.message) {
        let quoted: Vec<&str> = message.split('\'').skip(1).step_by(2).collect();
        let tag = |text: &str| {
            let text = text.trim_start_matches("const ").trim_end_matches(['*', ' ']);
            text.rsplit(' ').next().unwrap_or(text).to_owned()
        };
        match quoted.as_slice() {
            [member, owner, ..] if message.contains("no member named") => {
                names.push(((*member).to_owned(), Some(tag(owner))));
            }
            [.., incomplete] if message.contains("incomplete") => {
                names.push((tag(incomplete), None));
            }
            [name, ..] => names.push((tag(name), None)),
            [] => {}
        }
    }
    names.sort();
    names.dedup();
    names
}

/// What there is to look a name up in: the kernel's own types and those of its modules.
struct Lookup<'a> {
    target: &'a Target,
    kernel: Index,
    modules: OnceCell<ModuleTypes>,
}

impl Lookup<'_> {
    fn is_absent(&self, name: &str, owner: Option<&str>) -> bool {
        let kernel = &self.kernel;
        match owner {
            Some(tag) => kernel.composite(tag).is_some() && !kernel.has_member(tag, name),
            // A tag that is only declared somewhere is as absent as one that is not there.
            None => {
                let declared = kernel.find(name).all(|found| match found {
                    Found::Type(id) => {
                        matches!(kernel.btf().get(id), Ok(Type::Fwd { .. }) | Err(_))
                    }
                    Found::Enumerator(_) => false,
                });
                declared && !self.is_in_a_module(name)
            }
        }
    }

    fn is_in_a_module(&self, name: &str) -> bool {
        let base = self.kernel.btf();
        let is_there = |module: &String| {
            let types = self.target.module_btf(module, base);
            types.is_ok_and(|types| types.composite(name).is_some())
        };
        self.target.loaded_modules().iter().any(is_there)
            || self.on_disk().best(&[name], &[]).is_some()
    }

    fn on_disk(&self) -> &ModuleTypes {
        self.modules.get_or_init(|| self.target.module_types(self.kernel.btf()))
    }
}

fn request(target: &Target, program: &Path) -> (CompileRequest, BTreeMap<String, String>) {
    let text = std::fs::read(program).expect("readable");
    let head = first_line(&String::from_utf8_lossy(&text));
    let words = |text: &String| text.split(' ').map(str::to_owned).collect();
    let request = CompileRequest {
        text,
        file: "/virtual/main.c".to_owned(),
        cflags: head.get("cflags").map(words).unwrap_or_default(),
        cwd: program.parent().expect("in a directory").to_owned(),
        target: target.clone(),
        ..CompileRequest::default()
    };
    (request, head)
}

fn run(types: &Lookup<'_>, program: &Path) -> Outcome {
    let (request, head) = request(types.target, program);
    let begun = cpu_time();
    let diagnostics = match bcc_frontend::Compiler.compile(&request) {
        Ok(output) => return passed(&request, &output, cpu_time() - begun),
        Err(CompileError::Diagnostics { diagnostics }) => diagnostics,
        Err(other) => return Outcome::Failed(other.to_string()),
    };
    let errors: Vec<Diagnostic> =
        diagnostics.into_iter().filter(|d| d.severity == Severity::Error).collect();
    let names = complaints(&errors);
    let proven = |(name, owner): &(String, Option<String>)| types.is_absent(name, owner.as_deref());
    // An excuse must be written down in the program, so that no absence is ever a surprise.
    let expected = head.get("absent").cloned().unwrap_or_default();
    let listed =
        |(name, _): &(String, Option<String>)| expected.split(' ').any(|word| word == name);
    if !names.is_empty() && names.iter().all(|name| proven(name) && listed(name)) {
        let show = |(name, owner): &(String, Option<String>)| match owner {
            Some(owner) => format!("struct {owner} has no member {name}"),
            None => format!(
                "nothing is named {name} in the kernel and {} modules",
                types.target.loaded_modules().len() + types.on_disk().modules()
            ),
        };
        return Outcome::Absent(names.iter().map(show).collect());
    }
    let render = |d: &Diagnostic| format!("{}:{}: {}", d.file, d.line, d.message);
    Outcome::Failed(errors.iter().map(render).collect::<Vec<_>>().join("\n"))
}

/// A program counts only when code came of each function that is one.
fn passed(request: &CompileRequest, output: &CompileOutput, cpu: Duration) -> Outcome {
    if output.spec.programs.is_empty() {
        return Outcome::Failed("no program came of it".to_owned());
    }
    if let Some(empty) = output.spec.programs.iter().find(|program| program.insns.is_empty()) {
        return Outcome::Failed(format!("{} has no code", empty.name));
    }
    let built = bcc_frontend::headers::build(request, &Missing::default()).expect("built before");
    let types = built.input.files.iter().find(|file| file.path.ends_with("bcc/vmlinux.h"));
    Outcome::Passed { bytes: types.map_or(0, |file| file.text.len()), cpu }
}

/// CPU time of this thread; other threads and processes don't count.
fn cpu_time() -> Duration {
    nix::time::clock_gettime(nix::time::ClockId::CLOCK_THREAD_CPUTIME_ID).expect("a clock").into()
}

#[test]
fn the_corpus_compiles_for_every_target() {
    let scratch = tempfile::tempdir().expect("a temporary directory");
    let (corpus, targets) = (corpus(), targets::targets(scratch.path()));
    assert!(!targets.is_empty(), "no Target at hand");
    let mut failures = Vec::new();
    for (release, target) in &targets {
        let kernel = target.btf().expect("BTF");
        let types = Lookup { target, kernel, modules: OnceCell::new() };
        let (mut passed, mut absent, mut sizes, mut times) = (0, 0, vec![], vec![]);
        for program in &corpus {
            let name = program.file_stem().expect("a file").to_string_lossy().into_owned();
            match run(&types, program) {
                Outcome::Passed { bytes, cpu } => {
                    passed += 1;
                    sizes.push(bytes);
                    times.push(cpu);
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
            "{release}: {passed} of {} pass, {absent} need what is absent there; \
             median {} bytes of types, {} ms of CPU per compile",
            corpus.len(),
            sizes.get(sizes.len() / 2).unwrap_or(&0),
            times.get(times.len() / 2).unwrap_or(&Duration::ZERO).as_millis(),
        );
    }
    assert!(failures.is_empty(), "{} failures\n{}", failures.len(), failures.join("\n\n"));
}
