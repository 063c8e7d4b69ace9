//! The tokenizer and the rewriter under changed programs; see `tests/fuzz/README.md`.

#[path = "../../tests/fuzz/fuzz.rs"]
mod changed;
mod common;

use bcc_frontend::parse::lex::Lexed;
use bcc_frontend::rewrite::rewrite;
use common::{MAIN, input, request};
use std::path::Path;

const WORDS: &[&[u8]] = &[
    b"BPF_HASH(h, u32);\n",
    b"BPF_TABLE(\"array\", u32, u64, t, 4);\n",
    b"BPF_RINGBUF_OUTPUT(r, 8);\n",
    b"h.lookup(&k)",
    b"h.update(&k, &v)",
    b"h.increment(k)",
    b"h . delete (",
    b"->lookup_or_init(",
    b"#define M(x) x.increment(k)\n",
    b"#define RECV h.\n",
    b"#define P(a, b) a##b.lookup(&k)\n",
    b"#define GET(t) t.lookup\n",
    b"#define TORN(t) GET(t)\n",
    b"GET(h)(&k)",
    b"TORN(h)(&k)",
    b"M(h)",
    b"P(h,)",
    b"##",
    b"\\\n",
    b"\\\r\n",
    b"/*",
    b"*/",
    b"//",
    b"\"",
    b"'",
    b"\0",
    b"\xff",
    b"int f(struct pt_regs *ctx, int a) {",
    b"bpf_trace_printk(\"%d\\n\", 1);",
    b"bpf_usdt_readarg(1, ctx, &v);",
    b"cursor_advance(cursor, sizeof(*p))",
    b"struct p { u8 a : 4; } BPF_PACKET_HEADER;\n",
    b"p->a = 1;",
    b"p->a += 1;",
    b"#if 0\n",
    b"#endif\n",
    b"#include \"x.h\"\n",
    b"({",
    b"})",
    b"(",
    b")",
    b"{",
    b"}",
    b";",
    b",",
    b"TRACEPOINT_PROBE(a, b) {",
    b"__VA_ARGS__",
];

/// The programs of the dialect suite.
fn seeds() -> Vec<Vec<u8>> {
    let programs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/programs");
    let mut seeds = Vec::new();
    let mut topics: Vec<_> =
        std::fs::read_dir(programs).expect("programs").flatten().map(|e| e.path()).collect();
    topics.sort();
    for topic in topics.iter().filter(|path| path.is_dir()) {
        seeds.extend(changed::files(topic).into_iter().filter(|text| text.len() < 2048));
    }
    seeds
}

#[test]
fn any_text_gives_tokens_inside_it() {
    changed::fuzz("tokenizer", seeds(), WORDS, |text| {
        let lexed = Lexed::new(text);
        let mut end = 0;
        let mut kinds = Vec::new();
        for token in &lexed.code {
            assert!(token.start >= end && token.end > token.start && token.end <= text.len());
            assert_eq!(lexed.code_at(text, token.start), lexed.code_at(text, token.start));
            end = token.end;
            kinds.push(token.kind as u8);
        }
        for define in &lexed.defines {
            assert!(define.body.iter().all(|token| token.end <= text.len()));
        }
        kinds.truncate(24);
        changed::hash(&kinds)
    });
}

#[test]
fn any_text_is_rewritten_line_by_line_or_refused_with_a_message() {
    changed::fuzz("rewriter", seeds(), WORDS, |text| {
        // clang 19 ends its process on a _Pragma in an #include, which the compiler's child survives
        // for the user: see the bad input of the dialect suite.
        if text.windows(7).any(|word| word == b"_Pragma") {
            return 0;
        }
        let lines = |text: &[u8]| text.iter().filter(|c| **c == b'\n').count();
        match rewrite(&request(text), input(text, &[])) {
            Ok(rewritten) => {
                let main = rewritten.input.files.iter().find(|f| f.path == MAIN).expect("a text");
                assert_eq!(lines(&main.text), lines(text) + 3, "lines moved");
                let facts =
                    (rewritten.maps.len(), rewritten.programs.len(), rewritten.events.len());
                changed::hash(format!("{facts:?}").as_bytes())
            }
            Err(messages) => {
                assert!(bcc_frontend::diag::has_error(&messages), "refused without an error");
                let first = messages.first().map(|m| m.message.clone()).unwrap_or_default();
                let words: String = first.chars().filter(|c| c.is_ascii_lowercase()).collect();
                changed::hash(words.as_bytes())
            }
        }
    });
}
