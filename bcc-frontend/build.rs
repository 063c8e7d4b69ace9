//! Builds the C++ shim, links LLVM and clang, and embeds `headers/`.

mod build_headers;
mod build_llvm;

use std::env;
use std::path::{Path, PathBuf};

fn main() {
    let llvm = build_llvm::Llvm::find();
    shim(&llvm);
    // Behind the shim, which needs them.
    llvm.link();
    embed_headers();
}

/// One file includes all others.
fn shim(llvm: &build_llvm::Llvm) {
    println!("cargo:rerun-if-changed=shim");
    let mut build = cc::Build::new();
    build
        .cpp(true)
        .file("shim/all.cpp")
        .std("c++17")
        .flag("-fno-exceptions")
        .flag("-fno-rtti")
        .flag("-isystem")
        .flag(llvm.prefix.join("include"))
        .define("_GNU_SOURCE", None)
        .define("__STDC_CONSTANT_MACROS", None)
        .define("__STDC_FORMAT_MACROS", None)
        .define("__STDC_LIMIT_MACROS", None)
        .opt_level(1);
    if llvm.is_static {
        build.file("shim/polly.cpp").cpp_link_stdlib(None);
    }
    build.compile("bcc_shim");
}

fn embed_headers() {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    let headers = root.parent().map(Path::to_path_buf).expect("the workspace is above");
    build_headers::embed(&headers.join("headers"), &out);
}
