//! A tree of real kernel headers: for kernels without BTF, when the user names one, and as the last
//! try for a name that BTF does not have.
//!
//! Target → [`find`] → [`Tree`] → [`input`]: clang's arguments, in the order that Kbuild has them.

use super::{args, partial, tree};
use crate::source::{ClangInput, SourceFile};
use bcc_core::compile::CompileRequest;
use bcc_core::target::{Target, bpf_arch};
use std::path::{Path, PathBuf};

/// Where one kernel's headers are. Debian and SUSE keep what a build makes apart from the source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tree {
    source: PathBuf,
    build: PathBuf,
}

/// Included in front of every text, as upstream's own headers do.
const PRELUDE: &str = "\
#pragma once
#include <linux/types.h>
#include <linux/bpf.h>
#include <linux/bpf_perf_event.h>
#include <linux/if_packet.h>
#include <linux/version.h>
#include <linux/log2.h>
#include <asm/page.h>
#undef asm_inline
#define asm_inline asm
";

/// The Target's headers, or what was tried.
pub(super) fn find(target: &Target) -> Result<Tree, Vec<String>> {
    let mut tried = Vec::new();
    if let Some(named) = &target.kernel_source {
        let found = Tree::open(named);
        tried.push(format!("{} (BCC_KERNEL_SOURCE)", named.display()));
        return found.ok_or(tried);
    }
    if let Some(modules) = &target.modules {
        let suffix = std::env::var("BCC_KERNEL_MODULES_SUFFIX");
        let build = modules.join(suffix.as_deref().unwrap_or("build"));
        if let Some(found) =
            Tree::of(&modules.join("source"), &build).or_else(|| Tree::open(&build))
        {
            return Ok(found);
        }
        tried.push(build.display().to_string());
    } else {
        tried.push(format!("/lib/modules/{}/build", target.release));
    }
    match &target.kheaders {
        Some(archive) => match target.unpacked_kheaders() {
            Ok(directory) => {
                let found = Tree::open(&directory);
                tried.push(directory.display().to_string());
                found.ok_or(tried)
            }
            Err(error) => {
                let cause = std::error::Error::source(&error);
                let why = cause.map_or_else(|| error.to_string(), ToString::to_string);
                tried.push(format!("{} ({why})", archive.display()));
                Err(tried)
            }
        },
        None => {
            tried.push("/sys/kernel/kheaders.tar.xz".to_owned());
            Err(tried)
        }
    }
}

impl Tree {
    fn of(source: &Path, build: &Path) -> Option<Self> {
        let is_tree = source.join("include/linux/kconfig.h").is_file() && build.is_dir();
        is_tree.then(|| Self { source: source.to_owned(), build: build.to_owned() })
    }

    fn open(build: &Path) -> Option<Self> {
        Self::of(build, build)
            .or_else(|| Self::of(&build.join("source"), build))
            .or_else(|| Self::of(&included_source(build)?, build))
    }

    /// Files that differ when the tree does.
    pub(super) fn identity(&self) -> Vec<PathBuf> {
        let names = ["include/generated/autoconf.h", "include/generated/uapi/linux/version.h"];
        names.map(|name| self.build.join(name)).into()
    }

    /// Directories in the order of Kbuild's own, each also in the directory of the build.
    fn directories(&self, arch: &str) -> Vec<PathBuf> {
        let of_arch = |rest: &str| format!("arch/{arch}/include{rest}");
        let names = [
            of_arch(""),
            of_arch("/generated"),
            "include".to_owned(),
            of_arch("/uapi"),
            of_arch("/generated/uapi"),
            "include/uapi".to_owned(),
            "include/generated/uapi".to_owned(),
        ];
        let mut all = Vec::new();
        for name in names {
            for root in [&self.source, &self.build] {
                let directory = root.join(&name);
                if directory.is_dir() && !all.contains(&directory) {
                    all.push(directory);
                }
            }
        }
        all
    }
}

/// The source that the Makefile of a Debian build directory includes, there or beside it.
fn included_source(build: &Path) -> Option<PathBuf> {
    let makefile = std::fs::read_to_string(build.join("Makefile")).ok()?;
    let path = makefile
        .lines()
        .find_map(|line| line.strip_prefix("include ")?.strip_suffix("/Makefile"))?;
    let path = Path::new(path.trim());
    // `lib/modules/R/build` is a link.
    let beside = build.canonicalize().ok()?.parent()?.join(path.file_name()?);
    [path.to_owned(), beside]
        .into_iter()
        .find(|path| path.join("include/linux/kconfig.h").is_file())
}

/// One text over a tree of headers.
pub(super) struct Real<'a> {
    request: &'a CompileRequest,
    tree: &'a Tree,
    /// What stands in front of the text: our own includes and the structs of its tracepoints.
    prelude: String,
}

impl<'a> Real<'a> {
    /// `tracepoints` are the structs of the tracepoints that the text names.
    pub(super) fn new(
        request: &'a CompileRequest,
        options: &args::Options,
        tree: &'a Tree,
        tracepoints: &str,
    ) -> Self {
        let mut prelude = PRELUDE.to_owned();
        if std::env::var_os("BCC_LINUX_VERSION_CODE").is_some() {
            let code = request.target.version_code();
            prelude.push_str(&format!(
                "#undef LINUX_VERSION_CODE\n#define LINUX_VERSION_CODE {code}\n"
            ));
        }
        prelude.push_str(tracepoints);
        Self { request, tree, prelude: options.protect(&prelude) }
    }

    /// Everything for the text, with all headers read.
    pub(super) fn plain(&self) -> ClangInput {
        let kconfig = self.tree.source.join("include/linux/kconfig.h").display().to_string();
        let first = self.first("");
        let forced = ["-include", &kconfig, "-include", &first.path.clone()];
        self.input(&self.request.file, vec![first, self.main()], &forced, true)
    }

    /// The same over what [`Real::front`] became of `includes`; clang looks for the files that it read.
    pub(super) fn over(&self, precompiled: &Path, includes: &str) -> ClangInput {
        let [option, value] = partial::REFERENCES;
        let forced = ["-include-pch", &precompiled.display().to_string(), option, value];
        let files = vec![self.front_text(includes), self.main()];
        self.input(&self.request.file, files, &forced, true)
    }

    fn first(&self, includes: &str) -> SourceFile {
        let path = format!("{}/bcc/real.h", tree::INCLUDE);
        SourceFile { path, text: format!("{}{includes}", self.prelude).into() }
    }

    fn front_text(&self, includes: &str) -> SourceFile {
        self.first(&format!("{includes}#include <bcc/always.h>\n"))
    }

    /// What can be read once for all texts that begin alike, in both readings: the prelude, the first
    /// includes of the text and our own headers. Where they are included again, they do nothing.
    pub(super) fn front(&self, includes: &str) -> ClangInput {
        let kconfig = self.tree.source.join("include/linux/kconfig.h");
        let forced = ["-include", &kconfig.display().to_string()];
        let first = self.front_text(includes);
        self.input(&first.path.clone(), vec![first], &forced, false)
    }

    fn main(&self) -> SourceFile {
        SourceFile { path: self.request.file.clone(), text: self.request.text.clone() }
    }

    /// `is_users`: the text may include what is in the caller's directory, and call helpers.
    fn input(
        &self,
        main: &str,
        own: Vec<SourceFile>,
        forced: &[&str],
        is_users: bool,
    ) -> ClangInput {
        let arch = bpf_arch(&self.request.target.arch);
        let mut ours: Vec<String> = ["-target", triple(arch)].map(str::to_owned).into();
        ours.extend(KERNEL.iter().map(|arg| (*arg).to_owned()));
        if is_users && !self.request.cwd.as_os_str().is_empty() {
            ours.push(format!("-I{}", self.request.cwd.display()));
        }
        ours.extend(self.tree.directories(arch).iter().map(|d| format!("-I{}", d.display())));
        ours.push(format!("-isystem{}", tree::INCLUDE));
        ours.extend(forced.iter().map(|word| (*word).to_owned()));
        if is_users {
            ours.extend(["-include".to_owned(), format!("{}/bcc/helpers.h", tree::INCLUDE)]);
        }
        let mut files = tree::includable();
        files.extend(own);
        ClangInput { main: main.to_owned(), files, args: args::around(self.request, ours) }
    }
}

/// What kernel headers need beyond what every text is given.
const KERNEL: &[&str] = &[
    "-D__BCC_REAL_HEADERS__",
    "-DCONFIG_CC_IS_CLANG",
    // The kernel's own build says so; headers refuse to go without.
    "-DCC_USING_FENTRY",
    "-fcf-protection",
    // What gcc lets pass and clang does not, in headers that are not the user's.
    "-Wno-int-conversion",
    "-Wno-incompatible-function-pointer-types",
];

/// The kernel's headers want the compiler that the kernel was built with.
fn triple(arch: &str) -> &'static str {
    match arch {
        "arm64" => "aarch64-unknown-linux-gnu",
        "s390" => "s390x-unknown-linux-gnu",
        "powerpc" => "powerpc64le-unknown-linux-gnu",
        "riscv" => "riscv64-unknown-linux-gnu",
        "loongarch" => "loongarch64-unknown-linux-gnu",
        _ => "x86_64-unknown-linux-gnu",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn touch(path: &Path) {
        std::fs::create_dir_all(path.parent().expect("a directory")).expect("created");
        std::fs::write(path, "").expect("written");
    }

    #[test]
    fn trees_are_found_whole_split_and_through_a_makefile() {
        let directory = tempfile::tempdir().expect("a directory");
        let root = directory.path();
        let (common, build) = (root.join("linux-common"), root.join("linux-amd64"));
        touch(&common.join("include/linux/kconfig.h"));
        touch(&build.join("include/generated/autoconf.h"));
        let mut target = Target { kernel_source: Some(build.clone()), ..Target::default() };
        assert!(find(&target).is_err());
        std::fs::write(build.join("Makefile"), "include /usr/src/linux-common/Makefile\n")
            .expect("written");
        let split = Tree { source: common.clone(), build: build.clone() };
        assert_eq!(find(&target), Ok(split.clone()));
        assert_eq!(split.directories("x86"), [common.join("include"), build.join("include")]);

        target.kernel_source = Some(common.clone());
        assert_eq!(find(&target), Ok(Tree { source: common.clone(), build: common.clone() }));

        let modules = root.join("modules");
        std::fs::create_dir(&modules).expect("created");
        std::os::unix::fs::symlink(&common, modules.join("source")).expect("linked");
        std::os::unix::fs::symlink(&build, modules.join("build")).expect("linked");
        let target = Target { modules: Some(modules.clone()), ..Target::default() };
        let found = find(&target).expect("found");
        assert_eq!(found, Tree { source: modules.join("source"), build: modules.join("build") });
    }

    #[test]
    fn what_was_tried_is_told() {
        let target = Target { release: "9.9".to_owned(), ..Target::default() };
        let tried = find(&target).expect_err("nothing is there");
        assert_eq!(tried, ["/lib/modules/9.9/build", "/sys/kernel/kheaders.tar.xz"]);
    }
}
