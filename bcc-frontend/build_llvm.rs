//! Where LLVM and clang are, and how they are linked. The only place that names LLVM's version.
//!
//! The compiler is a process that lives for one text: linked to shared libraries it spends more time on
//! their relocations (760,000) than on a small program. So they are linked statically, the BPF backend
//! alone, where there are archives; `BCC_LLVM_LINK=shared` links the shared ones.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

const MAJOR: &str = "19";
const CLANG_CPP: &str = "libclang-cpp.so.19.1";
const PREFIX_VARIABLE: &str = "LLVM_SYS_191_PREFIX";
const LINK_VARIABLE: &str = "BCC_LLVM_LINK";

/// In the order in which a linker that reads archives once needs them.
const CLANG: [&str; 14] = [
    "clangFrontend",
    "clangCodeGen",
    "clangDriver",
    "clangParse",
    "clangSerialization",
    "clangSema",
    "clangAPINotes",
    "clangAnalysis",
    "clangEdit",
    "clangASTMatchers",
    "clangAST",
    "clangSupport",
    "clangLex",
    "clangBasic",
];

/// What `llvm-config` is asked for: clang's own needs and the backend.
const COMPONENTS: [&str; 17] = [
    "bitwriter",
    "bpf",
    "coroutines",
    "coverage",
    "frontenddriver",
    "frontendhlsl",
    "frontendopenmp",
    "instrumentation",
    "ipo",
    "irreader",
    "linker",
    "lto",
    "objcarcopts",
    "object",
    "option",
    "passes",
    "windowsdriver",
];

/// One installation of LLVM.
pub(crate) struct Llvm {
    /// Has `include`, `lib` and `bin` below it.
    pub(crate) prefix: PathBuf,
    /// Whether its archives are linked.
    pub(crate) is_static: bool,
}

impl Llvm {
    /// The one that the environment names, or Debian's.
    pub(crate) fn find() -> Self {
        println!("cargo:rerun-if-env-changed={PREFIX_VARIABLE}");
        println!("cargo:rerun-if-env-changed={LINK_VARIABLE}");
        let prefix = env::var_os(PREFIX_VARIABLE)
            .map_or_else(|| PathBuf::from(format!("/usr/lib/llvm-{MAJOR}")), PathBuf::from);
        let archives = ["libclangFrontend.a", "libLLVMBPFCodeGen.a"];
        let is_static = env::var_os(LINK_VARIABLE).is_none_or(|how| how != "shared")
            && archives.iter().all(|name| prefix.join("lib").join(name).exists());
        Self { prefix, is_static }
    }

    /// Tells cargo what to link.
    pub(crate) fn link(&self) {
        println!("cargo:rustc-link-search=native={}", self.prefix.join("lib").display());
        if !self.is_static {
            println!("cargo:rustc-link-lib=dylib:+verbatim={CLANG_CPP}");
            println!("cargo:rustc-link-lib=dylib=LLVM-{MAJOR}");
            return;
        }
        let llvm = self.archives();
        for name in CLANG.into_iter().chain(llvm.iter().map(String::as_str)) {
            println!("cargo:rustc-link-lib=static:-bundle={name}");
        }
        // Without their packages for development, which nothing else needs.
        for name in ["libz.so.1", "libzstd.so.1"] {
            println!("cargo:rustc-link-lib=dylib:+verbatim={name}");
        }
        let cpp = run(Command::new("g++").arg("-print-file-name=libstdc++.a"));
        let directory = Path::new(cpp.trim()).parent().expect("g++ prints a path");
        println!("cargo:rustc-link-search=native={}", directory.display());
        println!("cargo:rustc-link-lib=static:-bundle=stdc++");
        // A program at a fixed address has nothing to relocate.
        println!("cargo:rustc-link-arg-bins=-no-pie");
    }

    /// Names of LLVM's archives, each in front of those it needs.
    fn archives(&self) -> Vec<String> {
        let mut config = Command::new(self.prefix.join("bin/llvm-config"));
        let words = run(config.args(["--link-static", "--libs"]).args(COMPONENTS));
        words
            .split_whitespace()
            .filter_map(|word| word.strip_prefix("-l"))
            // See shim/polly.cpp.
            .filter(|name| !name.starts_with("Polly") && *name != "LLVMExtensions")
            .map(str::to_owned)
            .collect()
    }
}

fn run(command: &mut Command) -> String {
    let done = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    assert!(done.status.success(), "{command:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8_lossy(&done.stdout).into_owned()
}
