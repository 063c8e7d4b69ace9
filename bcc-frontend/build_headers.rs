//! Lists the files below `headers/`, so that they are part of the compiler itself.

use std::fmt::Write;
use std::path::{Path, PathBuf};

/// Writes `headers.rs`: a sorted table of (path below `headers/`, bytes).
pub(crate) fn embed(root: &Path, out: &Path) {
    let mut files = Vec::new();
    collect(root, &mut files);
    files.sort();
    let mut text = String::from("&[\n");
    for file in &files {
        let name = file.strip_prefix(root).expect("found below the root").display().to_string();
        let path = file.display().to_string();
        writeln!(text, "    ({name:?}, include_bytes!({path:?})),").expect("a String takes it");
    }
    text.push_str("]\n");
    std::fs::write(out.join("headers.rs"), text).expect("OUT_DIR is writable");
    println!("cargo::rerun-if-changed={}", root.display());
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(directory) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        match path.is_dir() {
            true => {
                println!("cargo::rerun-if-changed={}", path.display());
                collect(&path, files);
            }
            false => files.push(path),
        }
    }
}
