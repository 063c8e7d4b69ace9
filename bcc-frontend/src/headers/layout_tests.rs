//! Every struct of a kernel's BTF, written out and laid out by clang, against BTF.

use super::closure;
use super::mentions::Mentions;
use super::types::Types;
use bcc_core::target::Target;
use bcc_sys::btf::{Composite, Type};
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::process::Command;

/// The running kernel's types, or those of the snapshot in `BCC_TARGET`.
fn types() -> Types {
    let target = Target::running().expect("BCC_TARGET names a snapshot");
    Types::new(target.btf().expect("the kernel has BTF"))
}

struct Laid {
    size: u32,
    offsets: HashSet<u32>,
}

/// What clang made of each record: its size and the bit offsets of its fields.
fn clang_layouts(text: &str) -> HashMap<String, Laid> {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file: PathBuf = directory.path().join("types.c");
    std::fs::write(&file, text).expect("written");
    let output = Command::new("clang-19")
        .args(["-target", "bpf", "-fms-extensions", "-w", "-fsyntax-only", "-Xclang"])
        .arg("-fdump-record-layouts-simple")
        .arg(&file)
        .output()
        .expect("clang-19 is installed");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}", errors.lines().take(20).collect::<Vec<_>>().join("\n"));
    let mut records = HashMap::new();
    for record in String::from_utf8_lossy(&output.stdout).split("*** Dumping AST Record Layout") {
        let after = |key: &str| record.split(key).nth(1);
        let Some(name) = after("Type: ").and_then(|text| text.lines().next()) else { continue };
        let number = |key| after(key)?.lines().next()?.trim().parse::<u32>().ok();
        let list = after("FieldOffsets: [").and_then(|text| text.split(']').next()).unwrap_or("");
        let offsets = list.split(',').filter_map(|word| word.trim().parse().ok()).collect();
        let size = number("Size:").expect("a size in bits") / 8;
        records.insert(name.to_owned(), Laid { size, offsets });
    }
    records
}

fn all(types: &Types) -> Vec<Composite<'_>> {
    let btf = types.vmlinux().btf();
    let mut seen = HashSet::new();
    let named = btf.own_ids().filter_map(|id| match btf.get(id) {
        Ok(Type::Composite(c)) if !c.name.is_empty() => Some(c),
        _ => None,
    });
    // Only the first definition of a tag has the plain name.
    named
        .filter(|c| {
            seen.insert(c.name) && c.name.bytes().all(|b| b == b'_' || b.is_ascii_alphanumeric())
        })
        .collect()
}

fn uses(composites: &[Composite<'_>]) -> String {
    let mut text = String::new();
    for (i, c) in composites.iter().enumerate() {
        let keyword = if c.union { "union" } else { "struct" };
        text.push_str(&format!("char use{i}[sizeof({keyword} {}) + 1];\n", c.name));
    }
    text
}

fn wrong_ones(
    records: &HashMap<String, Laid>,
    composites: &[Composite<'_>],
    names: &Mentions,
    whole: bool,
) -> Vec<String> {
    let mut wrong = Vec::new();
    for c in composites {
        let name = format!("{} {}", if c.union { "union" } else { "struct" }, c.name);
        let Some(laid) = records.get(&name) else {
            wrong.push(format!("{name}: not laid out"));
            continue;
        };
        if laid.size != c.size {
            wrong.push(format!("{name}: size {} for {}", laid.size, c.size));
        }
        for member in c.members().filter(|m| whole || names.words.contains(m.name)) {
            if !laid.offsets.contains(&member.bit_offset) {
                wrong.push(format!("{name}.{}: not at bit {}", member.name, member.bit_offset));
            }
        }
    }
    wrong
}

#[test]
fn every_struct_is_laid_out_as_the_kernel_has_it() {
    let types = types();
    let composites = all(&types);
    assert!(composites.len() > 1000, "only {} structs", composites.len());
    let mut names = Mentions::default();
    composites.iter().for_each(|c| names.tag(c.name, true));
    let text = closure::write(&types, &names, &[]) + &uses(&composites);
    let wrong = wrong_ones(&clang_layouts(&text), &composites, &names, true);
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        composites.len(),
        wrong[..wrong.len().min(40)].join("\n")
    );
}

#[test]
fn structs_cut_to_some_members_keep_size_and_offsets() {
    let types = types();
    let composites = all(&types);
    for remainder in [0, 1] {
        let mut names = Mentions::default();
        for c in &composites {
            names.tag(c.name, false);
            for (i, member) in c.members().enumerate() {
                if i % 7 == remainder && !member.name.is_empty() && member.name.len() > 3 {
                    names.words.insert(member.name.to_owned());
                }
            }
        }
        let text = closure::write(&types, &names, &[]) + &uses(&composites);
        let wrong = wrong_ones(&clang_layouts(&text), &composites, &names, false);
        assert!(
            wrong.is_empty(),
            "{} of {}:\n{}",
            wrong.len(),
            composites.len(),
            wrong[..wrong.len().min(40)].join("\n")
        );
    }
}
