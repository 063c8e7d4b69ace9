//! Which modules' types a text needs besides the kernel's own.
//!
//! Names that the kernel's BTF does not have → loaded modules → modules on disk with a like name → all
//! modules on disk. Files are asked only for types that clang missed: most texts that name an absent
//! type never look inside of it, and reading all files takes seconds, once per kernel.

use super::Missing;
use super::mentions::Mentions;
use super::types::Types;
use bcc_core::compile::Inputs;
use bcc_core::target::Target;
use bcc_sys::btf::{Btf, Index, Type};
use std::sync::Arc;

/// Files that are read for a type because of the module's name.
const LIKELY: usize = 4;

/// Adds the modules that have types which the text names and the kernel itself does not have.
pub(super) fn add(
    target: &Target,
    names: &Mentions,
    missing: &Missing,
    types: &mut Types,
    inputs: &mut Inputs,
) {
    let absent = |name: &&str| {
        types.tagged(name).is_none()
            && types.enum_tagged(name).is_none()
            && types.typedef(name).is_none()
    };
    let tags = names.tag_order.iter().map(String::as_str);
    let tags =
        tags.filter(|tag| !names.defined_tags.contains(*tag) && !tag.starts_with("tracepoint__"));
    let wanted: Vec<&str> = tags.filter(absent).collect();
    if wanted.is_empty() {
        return;
    }
    let base = types.vmlinux().btf().clone();
    let mut search = Search { target, base, wanted, types, inputs };
    search.among(target.loaded_modules());
    let is_missing = |name: &&str| missing.types.iter().any(|missing| missing == name);
    search.wanted.retain(is_missing);
    if search.wanted.is_empty() {
        return;
    }
    search.among(likely(&search.wanted, &target.modules_on_disk(), names));
    search.everywhere();
}

struct Search<'a> {
    target: &'a Target,
    base: Arc<Btf>,
    /// Types that are not found yet.
    wanted: Vec<&'a str>,
    types: &'a mut Types,
    inputs: &'a mut Inputs,
}

impl Search<'_> {
    fn among(&mut self, modules: Vec<String>) {
        for module in modules {
            if self.wanted.is_empty() {
                return;
            }
            self.one(module);
        }
    }

    /// Asks the modules that have most of what is wanted, until none has any.
    fn everywhere(&mut self) {
        if self.wanted.is_empty() {
            return;
        }
        let all = self.target.module_types(&self.base);
        let mut asked = Vec::new();
        while let Some(module) = all.best(&self.wanted, &asked) {
            asked.push(module.to_owned());
            self.one(module.to_owned());
        }
    }

    fn one(&mut self, module: String) {
        let Ok(index) = self.target.module_btf(&module, &self.base) else { return };
        let before = self.wanted.len();
        self.wanted.retain(|name| !has(&index, name));
        if self.wanted.len() < before {
            self.types.add(index);
            self.inputs.modules.push(module);
        }
    }
}

fn has(index: &Index, name: &str) -> bool {
    let is_type =
        |ty: &Type<'_>| matches!(ty, Type::Composite(_) | Type::Enum(_) | Type::Typedef { .. });
    index.first(name, is_type).is_some()
}

/// Modules whose names begin like a type's (`btrfs` for `btrfs_inode`), those first that go on alike;
/// and such as the text itself names.
fn likely(wanted: &[&str], modules: &[String], names: &Mentions) -> Vec<String> {
    let mut found: Vec<&String> = Vec::new();
    for name in wanted {
        let word = name.split('_').next().unwrap_or(name);
        let mut begin: Vec<&String> = modules.iter().filter(|m| m.starts_with(word)).collect();
        let common =
            |module: &str| module.bytes().zip(name.bytes()).take_while(|(a, b)| a == b).count();
        begin.sort_by_key(|module| (std::cmp::Reverse(common(module)), module.len()));
        found.extend(begin.into_iter().take(LIKELY));
    }
    found.extend(modules.iter().filter(|module| names.words.contains(*module)));
    let mut once = Vec::new();
    for module in found {
        if !once.contains(module) {
            once.push(module.clone());
        }
    }
    once
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_that_are_named_like_the_type_or_in_the_text_come_first() {
        let modules =
            ["rdma_ucm", "rdma_cm", "rdma_rxe_long", "xfs", "overlay", "rdmavt", "ib_core"];
        let modules = modules.map(str::to_owned);
        let mut names = Mentions::default();
        names.scan(b"int kprobe__f(struct pt_regs *ctx) { /* overlay */ return overlay; }");
        let found = |name| likely(&[name], &modules, &names);
        let rdma = ["rdma_cm", "rdma_ucm", "rdma_rxe_long", "rdmavt", "overlay"];
        assert_eq!(found("rdma_cm_id"), rdma);
        assert_eq!(found("xfs_inode"), ["xfs", "overlay"]);
        assert_eq!(found("ieee80211_hw"), ["overlay"]);
    }
}
