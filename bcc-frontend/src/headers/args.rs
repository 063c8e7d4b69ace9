//! clang's arguments: ours first, the user's last.

use super::{FORCED, tree};
use bcc_core::compile::CompileRequest;
use bcc_core::target::bpf_arch;
use std::fmt::Write;
use std::path::PathBuf;

/// What the user's own arguments say that concerns names.
#[derive(Debug, Default)]
pub(super) struct Options {
    pub(super) directories: Vec<PathBuf>,
    pub(super) defines: Vec<Define>,
    /// Files of `-include`.
    pub(super) includes: Vec<String>,
}

/// One `-D`.
#[derive(Debug)]
pub(super) struct Define {
    pub(super) name: String,
    pub(super) value: String,
}

impl Options {
    pub(super) fn of(request: &CompileRequest) -> Self {
        let mut options = Self::default();
        let mut flags = request.cflags.iter();
        while let Some(flag) = flags.next() {
            let known = ["-I", "-isystem", "-iquote", "-D", "-include"];
            let Some(option) = known.into_iter().find(|option| flag.starts_with(option)) else {
                continue;
            };
            // `-include` begins with no shorter one of these, but `-I` and `-isystem` differ by case.
            let attached = flag[option.len()..].to_owned();
            let value = match attached.is_empty() {
                true => flags.next().cloned().unwrap_or_default(),
                false => attached,
            };
            match option {
                "-D" => {
                    let (name, value) = value.split_once('=').unwrap_or((&value, "1"));
                    let name = name.split('(').next().unwrap_or(name);
                    // What is no name clang refuses, by its place among the arguments.
                    if is_name(name) {
                        let (name, value) = (name.to_owned(), value.to_owned());
                        options.defines.push(Define { name, value });
                    }
                }
                "-include" => options.includes.push(value),
                _ => options.directories.push(PathBuf::from(value)),
            }
        }
        options
    }

    /// Hides the user's `-D` macros while the kernel's types are read, as they may have a name that a
    /// member or an enumerator has.
    pub(super) fn protect(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len() + 64);
        for Define { name, .. } in &self.defines {
            let _infallible = writeln!(out, "#pragma push_macro(\"{name}\")\n#undef {name}");
        }
        out.push_str(text);
        for Define { name, .. } in &self.defines {
            let _infallible = writeln!(out, "#pragma pop_macro(\"{name}\")");
        }
        out
    }
}

const FIXED: &[&str] = &[
    "-x",
    "c",
    "-O2",
    "-g",
    "-nostdinc",
    "-fms-extensions",
    "-fno-color-diagnostics",
    "-fno-stack-protector",
    "-fno-jump-tables",
    "-fno-unwind-tables",
    "-fno-asynchronous-unwind-tables",
    "-D__KERNEL__",
    "-D__BPF_TRACING__",
    "-D__linux__",
    "-DKBUILD_MODNAME=\"bcc\"",
    "-Wno-deprecated-declarations",
    "-Wno-gnu-variable-sized-type-not-at-end",
    "-Wno-pragma-once-outside-header",
    "-Wno-address-of-packed-member",
    "-Wno-unknown-warning-option",
    "-Wno-unused-value",
    "-Wno-pointer-sign",
    "-Wno-microsoft-anon-tag",
    "-Wno-duplicate-decl-specifier",
    // Before clang 16 it was a warning, and scripts say `struct sock *sk = PT_REGS_PARM1(ctx)`.
    "-Wno-error=int-conversion",
];

/// The whole list, for libclang and for code generation alike.
pub(super) fn clang(request: &CompileRequest) -> Vec<String> {
    let mut args: Vec<String> = ["-target", "bpf"].map(str::to_owned).into();
    let arch = bpf_arch(&request.target.arch);
    args.extend(host_macros(arch).iter().map(|name| format!("-D{name}")));
    if !request.cwd.as_os_str().is_empty() {
        args.push(format!("-I{}", request.cwd.display()));
    }
    args.push(format!("-isystem{}", tree::INCLUDE));
    for name in FORCED {
        args.push("-include".to_owned());
        args.push(format!("{}/bcc/{name}", tree::INCLUDE));
    }
    around(request, args)
}

fn is_name(text: &str) -> bool {
    let letter = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$');
    text.chars().all(letter) && text.starts_with(|c: char| !c.is_ascii_digit())
}

/// What every text is given.
pub(crate) fn fixed() -> Vec<String> {
    ["-target", "bpf"].iter().chain(FIXED).map(|arg| (*arg).to_owned()).collect()
}

/// `ours` between what every text is given and the user's own arguments.
pub(super) fn around(request: &CompileRequest, ours: Vec<String>) -> Vec<String> {
    let mut args: Vec<String> = FIXED.iter().map(|arg| (*arg).to_owned()).collect();
    let arch = bpf_arch(&request.target.arch);
    if std::env::var_os("ARCH").is_some() || arch != bpf_arch(std::env::consts::ARCH) {
        args.push(format!("-D__TARGET_ARCH_{arch}"));
    }
    args.extend(ours);
    args.extend(request.cflags.iter().cloned());
    args
}

/// What the host's own compiler would predefine, since the target is bpf.
fn host_macros(arch: &str) -> &'static [&'static str] {
    match arch {
        "x86" => &["__x86_64__", "__x86_64", "__amd64__"],
        "arm64" => &["__aarch64__"],
        "arm" => &["__arm__"],
        "s390" => &["__s390x__", "__s390__"],
        "powerpc" => &["__powerpc64__", "__powerpc__"],
        "mips" => &["__mips__"],
        "riscv" => &["__riscv"],
        "loongarch" => &["__loongarch__", "__loongarch64"],
        _ => &[],
    }
}
