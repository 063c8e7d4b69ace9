//! Builds the C++ shim, links LLVM and clang, and embeds `headers/`. The only place that names LLVM's
//! version.

mod build_headers;

use std::env;
use std::path::PathBuf;

const LLVM_MAJOR: &str = "19";
const CLANG_CPP: &str = "libclang-cpp.so.19.1";
const PREFIX_VARIABLE: &str = "LLVM_SYS_191_PREFIX";

fn main() {
    println!("cargo:rerun-if-changed=shim/shim.cpp");
    println!("cargo:rerun-if-changed=shim/shim.h");
    println!("cargo:rerun-if-env-changed={PREFIX_VARIABLE}");
    let prefix = env::var_os(PREFIX_VARIABLE)
        .map_or_else(|| PathBuf::from(format!("/usr/lib/llvm-{LLVM_MAJOR}")), PathBuf::from);
    let library = prefix.join("lib");

    cc::Build::new()
        .cpp(true)
        .file("shim/shim.cpp")
        .std("c++17")
        .flag("-fno-exceptions")
        .flag("-fno-rtti")
        .flag("-isystem")
        .flag(prefix.join("include"))
        .define("_GNU_SOURCE", None)
        .define("__STDC_CONSTANT_MACROS", None)
        .define("__STDC_FORMAT_MACROS", None)
        .define("__STDC_LIMIT_MACROS", None)
        .opt_level(1)
        .compile("bcc_shim");

    println!("cargo:rustc-link-search=native={}", library.display());
    println!("cargo:rustc-link-lib=dylib:+verbatim={CLANG_CPP}");
    println!("cargo:rustc-link-lib=dylib=LLVM-{LLVM_MAJOR}");
    embed_headers();
}

fn embed_headers() {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    let headers = root.parent().expect("the workspace is above").join("headers");
    build_headers::embed(&headers, &out);
}
