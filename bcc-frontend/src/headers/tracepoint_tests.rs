//! Tracepoint structs against the formats that they are made of: layouts of every kind by hand, and all
//! formats of the running kernel and of the guests' snapshots, laid out by clang.

use super::*;
use bcc_core::target::Target;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;

#[path = "../../../tests/fuzz/fuzz.rs"]
mod changed;

/// The common fields of every format.
const HEAD: &str = "\
name: e\nID: 1\nformat:
\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;
\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;
\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;
\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n";

fn of(fields: &str) -> String {
    let text = structure("c", "e", &format!("{HEAD}{fields}\nprint fmt: \"\""), None);
    let text = text.expect("a format");
    let body = text.strip_prefix("struct tracepoint__c__e {\n\tu64 __do_not_use__;\n");
    body.and_then(|body| body.strip_suffix("};\n")).expect("a struct").to_owned()
}

fn field(declaration: &str, offset: u32, size: u32, signed: bool) -> String {
    let signed = u8::from(signed);
    format!("\tfield:{declaration};\toffset:{offset};\tsize:{size};\tsigned:{signed};\n")
}

#[test]
fn strings_of_any_length_are_a_place_and_a_length() {
    assert_eq!(of(&field("__data_loc char[] name", 8, 4, true)), "\tint data_loc_name;\n");
    assert_eq!(of(&field("__rel_loc char[] name", 8, 4, true)), "\tint rel_loc_name;\n");
}

#[test]
fn gaps_are_single_bytes() {
    let text = of(&(field("u8 a", 8, 1, false) + &field("u16 b", 11, 2, false)));
    assert_eq!(text, "\tu8 a;\n\tchar __pad_0;\n\tchar __pad_1;\n\tu16 b;\n");
}

#[test]
fn values_are_as_wide_as_their_record() {
    assert_eq!(of(&field("char x", 8, 4, true)), "\ts32 x;\n");
    assert_eq!(of(&field("unsigned short x", 8, 8, false)), "\tu64 x;\n");
    assert_eq!(of(&field("char x", 8, 2, false)), "\tu16 x;\n");
    assert_eq!(of(&field("int x", 8, 4, true)), "\tint x;\n");
    // Nothing is known of the type: the record says how wide it is.
    assert_eq!(of(&field("enum unheard_of x", 8, 1, false)), "\tu8 x;\n");
}

#[test]
fn arrays_have_the_length_of_their_record_when_it_is_no_number() {
    assert_eq!(of(&field("char comm[16]", 8, 16, false)), "\tchar comm[16];\n");
    assert_eq!(of(&field("char comm[TASK_COMM_LEN]", 8, 16, false)), "\tchar comm[16];\n");
    assert_eq!(of(&field("unsigned long args[6 + 0]", 8, 48, false)), "\tunsigned long args[6];\n");
}

#[test]
fn address_spaces_are_left_out() {
    let text = of(&field("const char __user * name", 8, 8, false));
    assert_eq!(text, "\tconst char * name;\n");
    assert_eq!(of(&field("struct task __rcu *p", 8, 8, false)), "\tstruct task * p;\n");
}

#[test]
fn longer_common_fields_are_covered() {
    let text = of(&(field("int common_extra", 8, 4, true) + &field("int x", 12, 4, true)));
    let covered: String = (0..4).map(|i| format!("\tchar __do_not_use__{i};\n")).collect();
    assert_eq!(text, covered + "\tint x;\n");
}

#[test]
fn other_texts_are_no_format() {
    for text in ["", "name: e\n", "field:", "\tfield:int x;\toffset:y;\n"] {
        assert_eq!(structure("c", "e", text, None), None, "{text:?}");
    }
}

/// The running kernel, and the snapshots that guests left.
fn targets() -> Vec<Target> {
    let home = std::env::var("HOME").unwrap_or_default();
    let cache = std::env::var("BCC_VM_CACHE").unwrap_or_else(|_| format!("{home}/.cache/bcc-vm"));
    let kernels = std::fs::read_dir(Path::new(&cache).join("kernels")).into_iter().flatten();
    let snapshots = kernels.flatten().map(|kernel| kernel.path().join("target"));
    let snapshots = snapshots.filter(|path| path.join("facts").exists());
    let opened = snapshots.map(|path| Target::from_dir(&path).expect("a snapshot"));
    std::iter::once(Target::live()).chain(opened).collect()
}

fn formats(target: &Target) -> Vec<(String, String, String)> {
    let events = target.tracefs.as_ref().expect("event formats").join("events");
    let directories = |path: PathBuf| {
        let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect::<Vec<_>>()
    };
    let mut all = Vec::new();
    for category in directories(events.clone()) {
        for event in directories(events.join(&category)) {
            if let Some(format) = target.tracepoint_format(&category, &event) {
                all.push((category.clone(), event, format));
            }
        }
    }
    all
}

/// What the program's text would say, for one format: every member where the record has it.
fn checks(category: &str, event: &str, format: &str) -> String {
    let mut out = String::new();
    for field in format.lines().filter_map(parse).filter(|field| field.offset >= COMMON) {
        // `__u8 saddr[sizeof(struct sockaddr_in6)]`, but `__data_loc char[] name`.
        let declaration = match field.declaration.split_once('[') {
            Some((before, _)) if !field.declaration.ends_with(char::is_alphanumeric) => before,
            _ => field.declaration,
        };
        let name = declaration.rsplit([' ', '*']).next().unwrap_or("");
        if name.is_empty() || name.starts_with("common_") {
            continue;
        }
        let prefix = match field.declaration.split(' ').next() {
            Some("__data_loc") => "data_loc_",
            Some("__rel_loc") => "rel_loc_",
            _ => "",
        };
        let (member, tag) = (format!("{prefix}{name}"), format!("tracepoint__{category}__{event}"));
        let (offset, size) = (field.offset, field.size);
        out.push_str(&format!(
            "_Static_assert(__builtin_offsetof(struct {tag}, {member}) == {offset}, \"\");\n"
        ));
        // A flexible array has no size, and the record says none.
        if size > 0 {
            out.push_str(&format!(
                "_Static_assert(sizeof(((struct {tag} *)0)->{member}) == {size}, \"\");\n"
            ));
        }
    }
    out
}

#[test]
fn every_format_gives_members_where_its_records_have_them() {
    for target in targets() {
        let formats = formats(&target);
        assert!(formats.len() > 300, "{}: {} formats", target.release, formats.len());
        let (mut text, mut wanted) = (String::new(), HashMap::new());
        for (category, event, format) in &formats {
            text.push_str(&format!("struct tracepoint__{category}__{event};\n"));
            let asserts = checks(category, event, format);
            wanted.insert(format!("{category}__{event}"), asserts.lines().count());
            text.push_str(&format!(
                "int tp_{category}__{event}(struct tracepoint__{category}__{event} *p) {{ return sizeof(*p) > 0; }}\n"
            ));
            text.push_str(&asserts);
        }
        let directory = tempfile::tempdir().expect("a directory");
        let request = bcc_core::compile::CompileRequest {
            text: text.into_bytes(),
            file: "/virtual/main.c".to_owned(),
            target: target.clone(),
            ..Default::default()
        };
        let built = crate::headers::build(&request, &Default::default()).expect("built");
        let root = directory.path().display().to_string();
        for file in &built.input.files {
            let path = PathBuf::from(format!("{root}{}", file.path));
            std::fs::create_dir_all(path.parent().expect("below")).expect("created");
            std::fs::write(&path, &file.text).expect("written");
        }
        let args =
            built.input.args.iter().map(|a| a.replace("/virtual", &format!("{root}/virtual")));
        let output = Command::new("clang-19")
            .args(args)
            .args(["-D__BCC_PARSE__", "-ferror-limit=0", "-fsyntax-only"])
            .arg(format!("{root}/virtual/main.c"))
            .output()
            .expect("clang-19 is installed");
        let errors = String::from_utf8_lossy(&output.stderr);
        let errors: Vec<&str> = errors.lines().filter(|line| line.contains("error:")).collect();
        assert!(
            output.status.success(),
            "{}: {} errors\n{}",
            target.release,
            errors.len(),
            errors.iter().take(30).copied().collect::<Vec<_>>().join("\n")
        );
        let count: usize = wanted.values().sum();
        println!("{}: {} formats, {count} facts", target.release, formats.len());
    }
}

const WORDS: &[&[u8]] = &[
    b"\tfield:int x;\toffset:8;\tsize:4;\tsigned:1;\n",
    b"\tfield:__data_loc char[] name;\toffset:12;\tsize:4;\tsigned:1;\n",
    b"\tfield:__rel_loc u8[] name;\toffset:16;\tsize:4;\tsigned:0;\n",
    b"\tfield:const struct sk_buff *skb;\toffset:16;\tsize:8;\tsigned:0;\n",
    b"field:",
    b"offset:",
    b"size:",
    b"signed:",
    b"4294967295",
    b"99999999999999999999",
    b"-1",
    b"char comm[TASK_COMM_LEN]",
    b"common_",
    b"[",
    b"]",
    b";",
    b" ",
    b"*",
    b"\n",
    b"\xff",
];

#[test]
fn any_format_gives_a_struct_of_its_size_or_nothing() {
    let mut seeds: Vec<Vec<u8>> = vec![HEAD.into()];
    seeds.extend(WORDS[..4].iter().map(|fields| [HEAD.as_bytes(), fields].concat()));
    changed::fuzz("format", seeds, WORDS, |input| {
        let text = String::from_utf8_lossy(input);
        let Some(made) = structure("c", "e", &text, None) else { return 0 };
        assert!(made.len() < 4 * LARGEST_EVENT as usize * 24 + 64 * text.len(), "{}", made.len());
        changed::hash(made.as_bytes()) % 4096
    });
}
