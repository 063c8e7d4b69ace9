//! The user's own text and headers: what they mention, and which includes are the kernel's.

use super::args::Options;
use super::mentions::Mentions;
use super::{absolute, tree};
use bcc_core::compile::{CompileRequest, Inputs};
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// Walks the main text and every header of the user's that it reaches.
#[derive(Debug)]
pub(super) struct Sources<'a> {
    request: &'a CompileRequest,
    options: &'a Options,
    inputs: &'a mut Inputs,
    /// Kernel, `bcc/` and C headers that were included, without `uapi/`.
    pub(super) virtual_headers: HashSet<String>,
    seen: HashSet<PathBuf>,
}

impl<'a> Sources<'a> {
    pub(super) fn new(
        request: &'a CompileRequest,
        options: &'a Options,
        inputs: &'a mut Inputs,
    ) -> Self {
        let (virtual_headers, seen) = (HashSet::new(), HashSet::new());
        Self { request, options, inputs, virtual_headers, seen }
    }

    /// Adds all that is reached to `names`.
    pub(super) fn scan(&mut self, names: &mut Mentions) {
        let directory = Path::new(&self.request.file).parent().map(Path::to_owned);
        let request = self.request;
        self.text(&request.text, directory.as_deref(), names);
        for file in &self.options.includes {
            self.operand(&format!("\"{file}\""), Some(&request.cwd), names);
        }
    }

    fn text(&mut self, text: &[u8], directory: Option<&Path>, names: &mut Mentions) {
        let first = names.includes.len();
        names.scan(text);
        let includes = names.includes[first..].to_vec();
        for operand in includes {
            self.operand(&operand, directory, names);
        }
    }

    fn operand(&mut self, operand: &str, directory: Option<&Path>, names: &mut Mentions) {
        let quoted = operand.starts_with('"');
        let name = operand.trim_matches(['"', '<', '>']);
        let own = directory.filter(|_| quoted).into_iter();
        let directories: Vec<PathBuf> = own
            .chain(std::iter::once(self.request.cwd.as_path()))
            .map(Path::to_owned)
            .chain(self.options.directories.iter().map(|d| absolute(&self.request.cwd, d)))
            .collect();
        for directory in directories {
            if directory.starts_with("/virtual") || directory.as_os_str().is_empty() {
                continue;
            }
            let path = directory.join(name);
            if self.seen.contains(&path) {
                return;
            }
            if let Ok(text) = std::fs::read(&path) {
                self.seen.insert(path.clone());
                self.inputs.files.push(path.clone());
                self.text(&text, path.parent(), names);
                return;
            }
            if !self.inputs.absent.contains(&path) {
                self.inputs.absent.push(path);
            }
        }
        let is_bcc = name.starts_with("bcc/");
        if is_bcc || tree::is_kernel_header(name) {
            self.virtual_headers.insert(name.strip_prefix("uapi/").unwrap_or(name).to_owned());
        }
    }
}
