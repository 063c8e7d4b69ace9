//! The kernel's helper functions that a text may call. Declaring all of them costs clang more than
//! most programs do.

use super::mentions::Mentions;
use super::tree;
use bcc_core::mutation;
use std::collections::{HashMap, HashSet};
use std::fmt::Write;

/// Below `headers/bcc`.
pub(super) const FILE: &str = "helper_ids.h";

/// What our own headers use helpers for.
#[derive(Debug, Default)]
pub(super) struct Users {
    /// Words in the bodies of macros, by macro.
    macros: HashMap<String, Vec<String>>,
    /// Words outside of macros.
    code: HashSet<String>,
}

impl Users {
    /// Adds one of our headers.
    pub(super) fn add(&mut self, header: &Mentions) {
        let in_macros: HashSet<&String> = header.bodies.values().flatten().collect();
        let code = header.ordinary.iter().filter(|word| !in_macros.contains(word));
        self.code.extend(code.cloned());
        self.macros.extend(header.bodies.clone());
    }

    /// The words that a text reaches through our macros, those of the text included.
    fn reach<'a>(&'a self, names: &'a Mentions) -> HashSet<&'a str> {
        let mut reached: HashSet<&str> = names.words.iter().map(String::as_str).collect();
        let mut queue: Vec<&String> = Vec::new();
        for word in &names.words {
            let word = word.strip_prefix("bpf_").unwrap_or(word);
            // What the rewriter makes of a method or of a function that only it knows.
            let method = self.macros.get(&format!("bcc_{word}"));
            queue.extend(method.into_iter().chain(self.macros.get(word)).flatten());
            queue.extend(self.macros.get(&format!("bpf_{word}")).into_iter().flatten());
        }
        while let Some(word) = queue.pop() {
            if reached.insert(word) {
                queue.extend(self.macros.get(word).into_iter().flatten());
            }
        }
        reached
    }
}

/// Names of all helpers, in the order of their ids.
pub fn names() -> impl Iterator<Item = &'static str> {
    declarations().map(|(name, _)| name)
}

fn declarations() -> impl Iterator<Item = (&'static str, &'static str)> {
    parts().1.filter_map(|text| {
        let (_, rest) = text.split_once("(*const ")?;
        let name = rest.split(')').next()?;
        (!mutation::off_definition(name)).then_some((name, text))
    })
}

/// What stands in front of the declarations, and each of them without its `static`.
fn parts() -> (&'static str, impl Iterator<Item = &'static str>) {
    let file = tree::directory("bcc").find(|(name, _)| *name == FILE);
    let text = file.and_then(|(_, text)| std::str::from_utf8(text).ok()).unwrap_or("");
    let mut parts = text.split("\nstatic ");
    (parts.next().unwrap_or(""), parts)
}

/// The header with the helpers that the text, or what it uses of ours, names.
pub(super) fn write(names: &Mentions, users: &Users) -> String {
    let reached = users.reach(names);
    let pasted = |name: &str| names.prefixes.iter().any(|p| p.len() > 2 && name.starts_with(p));
    let mut out = parts().0.to_owned();
    for (name, text) in declarations() {
        // The text's own declaration wins.
        let ours = users.code.contains(name);
        if ours || (!names.defined.contains(name) && (reached.contains(name) || pasted(name))) {
            let _infallible = write!(out, "\nstatic {}", text.trim_end());
        }
    }
    out.push('\n');
    out
}

/// Renames what the text declares although our own functions need it under that name: behind our
/// headers the name is the text's.
pub(super) fn renamed(names: &Mentions, users: &Users) -> String {
    let mut out = String::new();
    for (name, _) in declarations() {
        if users.code.contains(name) && names.defined.contains(name) {
            let _infallible = writeln!(out, "#define {name} bcc_own_{name}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> String {
        let (mut names, mut users, mut methods) = Default::default();
        Mentions::scan(&mut names, text.as_bytes());
        let file = tree::directory("bcc").find(|(name, _)| *name == "methods.h").unwrap();
        Mentions::scan(&mut methods, file.1);
        Users::add(&mut users, &methods);
        write(&names, &users)
    }

    #[test]
    fn every_helper_has_a_name_and_the_last_is_known() {
        let all: Vec<&str> = names().collect();
        assert_eq!(all.len(), parts().1.count());
        assert_eq!(all[0], "bpf_map_lookup_elem");
        assert_eq!(*all.last().unwrap(), "bpf_cgrp_storage_delete");
    }

    #[test]
    fn only_what_is_named_is_declared() {
        let text = written("int f(void) { return bpf_get_prandom_u32(); }");
        assert!(text.contains("(*const bpf_get_prandom_u32)(void) = (void *)7;"));
        assert!(!text.contains("bpf_map_lookup_elem"));
    }

    #[test]
    fn a_method_brings_its_helpers() {
        let text = written("int f(void) { h.lookup_or_init(&k, &v); }");
        assert!(text.contains("bpf_map_lookup_elem") && text.contains("bpf_map_update_elem"));
        assert!(!text.contains("bpf_map_delete_elem"));
    }

    #[test]
    fn pasted_names_are_found_by_what_they_begin_with() {
        let text = written("#define GET(x) bpf_get_current_##x()\n");
        assert!(text.contains("bpf_get_current_pid_tgid") && text.contains("bpf_get_current_comm"));
    }

    #[test]
    fn the_text_s_own_declaration_wins() {
        let text = written("static int (*bpf_strtol)(void *) = (void *)105;\nint x = bpf_strtol;");
        assert!(!text.contains("bpf_strtol"));
    }
}
