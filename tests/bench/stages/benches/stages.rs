//! Wall time of single stages, so that what became slower can be found: `./x bench stages [FILTER]`.
//!
//! The compiler is loaded and warm, and the kernel's types are indexed. Loading and the ring need root.

use bcc_core::Bpf;
use bcc_core::compile::cache::Cache;
use bcc_core::compile::{CompileOutput, CompileRequest, Compiler as _, MAIN_FILE};
use bcc_core::target::Target;
use bcc_frontend::headers::{self, Missing};
use bcc_frontend::{Compiler, emit, rewrite};
use bcc_sys::bpf::cmd::ProgType;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use stages::Ring;
use std::time::Instant;

/// Needs nothing of the kernel's types.
const HELLO: &str = include_str!("../../texts/hello.c");
/// Of a tool's size: maps, reads of a kernel struct, a histogram.
const BLOCK: &str = include_str!("../../texts/biolatency.c");

fn request(text: &str) -> CompileRequest {
    CompileRequest {
        text: text.into(),
        file: MAIN_FILE.to_owned(),
        cwd: std::env::current_dir().expect("a working directory"),
        target: Target::running().expect("a kernel or a snapshot of one"),
        ..CompileRequest::default()
    }
}

fn compiled(request: &CompileRequest) -> CompileOutput {
    Compiler.compile(request).expect("the text compiles")
}

/// Types, rewriting and code, one after the other, and all of them.
fn compile(c: &mut Criterion) {
    for (name, text) in [("hello", HELLO), ("block", BLOCK)] {
        let request = request(text);
        let types = || headers::build(&request, &Missing::default()).expect("headers");
        let input = types().input;
        let plain = || rewrite::rewrite(&request, input.clone()).expect("plain C");
        let rewritten = plain();
        let mut group = c.benchmark_group(format!("compile {name}"));
        group.bench_function("1 headers", |b| b.iter_with_large_drop(types));
        group.bench_function("2 rewrite", |b| b.iter_with_large_drop(plain));
        group.bench_function("3 emit", |b| {
            b.iter_with_large_drop(|| emit::emit(&request, &rewritten).expect("code"));
        });
        group.bench_function("all", |b| b.iter_with_large_drop(|| compiled(&request)));
        group.finish();
    }
}

/// An entry that is read, checked and found to fit.
fn cache_hit(c: &mut Criterion) {
    let cache = Cache::open().expect("the directory that .cargo/config.toml names");
    let request = request(BLOCK);
    cache.put(&request, b"id", &compiled(&request)).expect("kept");
    c.bench_function("cache hit", |b| {
        b.iter_with_large_drop(|| cache.get(&request, Some(b"id")).expect("a hit"));
    });
}

/// Maps made, both programs relocated and verified; and all closed again.
fn load(c: &mut Criterion) {
    let spec = std::sync::Arc::new(compiled(&request(BLOCK)).spec);
    c.bench_function("load", |b| {
        b.iter(|| {
            let bpf = Bpf::builder().build_from_spec(spec.clone()).expect("maps");
            for program in ["on_start", "on_done"] {
                bpf.load_program(program, ProgType::KPROBE).expect("verified");
            }
        });
    });
}

/// Events that wait in a ring buffer.
fn ring(c: &mut Criterion) {
    let mut ring = Ring::new(Bpf::builder().compiler(Compiler)).expect("a ring");
    let mut group = c.benchmark_group("ring");
    group.throughput(Throughput::Elements(Ring::EVENTS as u64));
    group.bench_function("empty", |b| {
        b.iter_custom(|times| {
            let spent = |_| {
                ring.fill();
                let start = Instant::now();
                ring.empty().expect("all events");
                start.elapsed()
            };
            (0..times).map(spent).sum()
        });
    });
    group.finish();
}

criterion_group!(stages, compile, cache_hit, load, ring);
criterion_main!(stages);
