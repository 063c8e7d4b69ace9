//! A request without a kernel: a few types by hand, the dialect's own headers, stock clang.

#![allow(dead_code, reason = "each test file uses its part")]

use bcc_core::compile::CompileRequest;
use bcc_frontend::clang::Index;
use bcc_frontend::facts::Rewritten;
use bcc_frontend::headers::own;
use bcc_frontend::rewrite::rewrite;
use bcc_frontend::source::{ClangInput, SourceFile};

/// What a kernel would give.
const TYPES: &str = include_str!("types.h");
pub(crate) const MAIN: &str = "/virtual/main.c";

pub(crate) fn request(text: &[u8]) -> CompileRequest {
    let mut request =
        CompileRequest { text: text.to_vec(), file: MAIN.to_owned(), ..Default::default() };
    request.target.online_cpus = 3;
    request.target.possible_cpus = 4;
    request.target.page_size = 4096;
    request
}

pub(crate) fn input(text: &[u8], headers: &[(&str, &str)]) -> ClangInput {
    let file = |path: &str, text: &[u8]| SourceFile { path: path.to_owned(), text: text.to_vec() };
    let mut files = vec![file(MAIN, text), file("/virtual/include/types.h", TYPES.as_bytes())];
    let own = own().map(|(path, text)| file(&format!("/virtual/include/{path}"), text.as_bytes()));
    files.extend(own);
    files.extend(headers.iter().map(|(path, text)| file(path, text.as_bytes())));
    let args = [
        "-x",
        "c",
        "-target",
        "bpf",
        "-O2",
        "-nostdinc",
        "-D__x86_64__",
        "-D__TARGET_ARCH_x86",
        "-Wno-pointer-sign",
        "-Wno-unused-value",
        "-Wno-address-of-packed-member",
        "-isystem",
        "/virtual/include",
        "-I",
        "/user",
        "-include",
        "/virtual/include/types.h",
        "-include",
        "/virtual/include/bcc/helpers.h",
    ];
    ClangInput { main: MAIN.to_owned(), files, args: args.map(str::to_owned).to_vec() }
}

/// Rewrites `text`; messages as they are printed.
pub(crate) fn run(text: &[u8], headers: &[(&str, &str)]) -> Result<Rewritten, Vec<String>> {
    rewrite(&request(text), input(text, headers))
        .map_err(|all| all.iter().map(ToString::to_string).collect())
}

/// The rewritten main text without what is put behind it.
pub(crate) fn main_text(rewritten: &Rewritten) -> String {
    let main = rewritten.input.files.iter().find(|file| file.path == MAIN).expect("a main file");
    let text = String::from_utf8_lossy(&main.text);
    text.strip_suffix("\n\n#include <bcc/footer.h>\n").expect("the footer").to_owned()
}

/// What stock clang has to say against the rewritten text.
pub(crate) fn errors_of_clang(rewritten: &Rewritten) -> Vec<String> {
    let index = Index::new().expect("an index");
    let unit = index.parse(&rewritten.input).expect("a unit");
    unit.diagnostics()
        .into_iter()
        .filter(|d| d.severity == bcc_core::spec::Severity::Error)
        .map(|d| format!("{}:{}:{}: {}", d.place.file, d.place.line, d.place.column, d.message))
        .collect()
}
