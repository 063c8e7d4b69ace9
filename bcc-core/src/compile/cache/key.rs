//! What a compiled module depends on, as hashes: of the request, and of what the compile read.

use crate::compile::{CompileRequest, DEBUG_LLVM_IR, Inputs, MAIN_FILE, frame};
use crate::target::Target;
use sha2::{Digest, Sha256};
use std::fs;

/// Environment that changes what a compile gives.
const ENVIRONMENT: [&str; 4] =
    ["ARCH", "BCC_LINUX_VERSION_CODE", "BCC_KERNEL_SOURCE", "BCC_KERNEL_MODULES_SUFFIX"];

/// Everything of the request that is known before a compile.
pub(super) fn key(request: &CompileRequest) -> [u8; 32] {
    let mut hash = Fields::new();
    let target = &request.target;
    hash.field(frame::BUILD_ID.as_bytes());
    hash.field(&request.text);
    hash.field(&request.preamble_lines.to_le_bytes());
    hash.field(request.file.as_bytes());
    for flag in &request.cflags {
        hash.field(flag.as_bytes());
    }
    hash.field(b"");
    if reads_relative_files(request) {
        hash.field(request.cwd.as_os_str().as_encoded_bytes());
    }
    hash.field(&[u8::from(request.debug & DEBUG_LLVM_IR != 0), u8::from(request.by_helper)]);
    for name in ENVIRONMENT {
        hash.field(std::env::var_os(name).unwrap_or_default().as_encoded_bytes());
    }
    hash.field(target.release.as_bytes());
    hash.field(target.arch.as_bytes());
    hash.field(&target.build_id);
    hash.field(format!("{:?}", target.kernel_source).as_bytes());
    hash.0.finalize().into()
}

/// Whether the caller's directory can matter: an include that is not `<…>`, or a path in the flags.
fn reads_relative_files(request: &CompileRequest) -> bool {
    let path_flag = |flag: &String| {
        flag.starts_with("-I")
            || flag.starts_with("-i")
            || flag.starts_with(['@', '-']) && flag.contains("/")
    };
    let quoted = |line: &[u8]| {
        let line = line.trim_ascii_start();
        let Some(rest) = line.strip_prefix(b"#") else { return false };
        let Some(rest) = rest.trim_ascii_start().strip_prefix(b"include") else { return false };
        !rest.trim_ascii_start().starts_with(b"<")
    };
    request.file != MAIN_FILE
        || request.cflags.iter().any(path_flag)
        || request.text.split(|byte| *byte == b'\n').any(quoted)
}

/// The present state of what a compile read; `None` when it cannot be told.
pub(super) fn digest(inputs: &Inputs, target: &Target) -> Option<[u8; 32]> {
    let mut hash = Fields::new();
    for file in &inputs.files {
        hash.field(&fs::read(file).ok()?);
    }
    for file in &inputs.absent {
        hash.field(&[u8::from(file.exists())]);
    }
    for tracepoint in &inputs.tracepoints {
        hash.field(&format_without_id(target, tracepoint));
    }
    for module in &inputs.modules {
        let loaded = target.loaded_module(module);
        hash.field(&[u8::from(loaded.is_some())]);
        let file = loaded.or_else(|| target.module_file(module));
        hash.field(&file.and_then(|path| fs::read(path).ok()).unwrap_or_default());
    }
    if inputs.cpus {
        hash.field(&target.online_cpus.to_le_bytes());
        hash.field(&target.possible_cpus.to_le_bytes());
        hash.field(&target.page_size.to_le_bytes());
    }
    Some(hash.0.finalize().into())
}

/// A tracepoint's format; its `ID:` line differs from boot to boot for events of modules.
fn format_without_id(target: &Target, tracepoint: &str) -> Vec<u8> {
    let Some(tracefs) = &target.tracefs else { return Vec::new() };
    let path = tracefs.join("events").join(tracepoint).join("format");
    let text = fs::read(path).unwrap_or_default();
    text.split_inclusive(|byte| *byte == b'\n')
        .filter(|line| !line.starts_with(b"ID:"))
        .flatten()
        .copied()
        .collect()
}

/// A hash over fields, each with its length, so that no two lists of fields look alike.
struct Fields(Sha256);

impl Fields {
    fn new() -> Self {
        Self(Sha256::new())
    }

    fn field(&mut self, bytes: &[u8]) {
        self.0.update((bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_s_id_line_does_not_count() {
        let directory = tempfile::tempdir().unwrap();
        let event = directory.path().join("events/a/b");
        fs::create_dir_all(&event).unwrap();
        let target = Target { tracefs: Some(directory.path().into()), ..Target::default() };
        fs::write(event.join("format"), "name: b\nID: 1\nfield\n").unwrap();
        let first = format_without_id(&target, "a/b");
        fs::write(event.join("format"), "name: b\nID: 2\nfield\n").unwrap();
        assert_eq!(first, format_without_id(&target, "a/b"));
        assert_eq!(first, b"name: b\nfield\n");
    }
}
