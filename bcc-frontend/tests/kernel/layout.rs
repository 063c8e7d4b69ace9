//! Offsets of the running kernel's struct members, as C declarations that put members there.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::OnceLock;

/// (struct, member, C type) that the tests read.
const MEMBERS: &[(&str, &str, &str)] = &[
    ("task_struct", "pid", "int"),
    ("task_struct", "tgid", "int"),
    ("task_struct", "comm", "char"),
    ("task_struct", "real_parent", "struct task_struct *"),
    ("task_struct", "group_leader", "struct task_struct *"),
    ("task_struct", "mm", "struct mm_struct *"),
    ("mm_struct", "arg_start", "unsigned long"),
];

/// Declarations of the structs in [`MEMBERS`]; an array member is declared with 16 elements.
pub(crate) fn declarations() -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(|| {
        let btf = std::fs::read("/sys/kernel/btf/vmlinux").unwrap();
        let btf = Btf::new(&btf);
        let mut structs: BTreeMap<&str, String> = BTreeMap::new();
        for (owner, member, ty) in MEMBERS {
            let offset = btf.offset(owner, member);
            let dimension = if *ty == "char" { "[16]" } else { "" };
            let body = structs.entry(owner).or_default();
            write!(body, "struct {{ char p_{member}[{offset}]; {ty} {member}{dimension}; }}; ")
                .unwrap();
        }
        let mut text = String::from("struct task_struct; struct mm_struct;\n");
        for (name, body) in structs {
            writeln!(text, "struct {name} {{ union {{ {body} }}; }};").unwrap();
        }
        text
    })
}

struct Btf<'a> {
    types: Vec<&'a [u8]>,
    strings: &'a [u8],
}

fn word(bytes: &[u8], at: usize) -> usize {
    u32::from_ne_bytes(bytes[at..at + 4].try_into().unwrap()) as usize
}

impl<'a> Btf<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        let header = word(bytes, 4);
        let mut rest = &bytes[header + word(bytes, 8)..][..word(bytes, 12)];
        let mut types = vec![&bytes[..0]];
        while !rest.is_empty() {
            let (info, count) = (word(rest, 4), word(rest, 4) & 0xffff);
            let extra = match (info >> 24) & 31 {
                1 | 14 | 17 => 4,
                3 => 12,
                4 | 5 | 15 | 19 => 12 * count,
                6 | 13 => 8 * count,
                _ => 0,
            };
            types.push(&rest[..12 + extra]);
            rest = &rest[12 + extra..];
        }
        Self { types, strings: &bytes[header + word(bytes, 16)..] }
    }

    fn name(&self, at: usize) -> &str {
        let rest = &self.strings[at..];
        std::str::from_utf8(&rest[..rest.iter().position(|&b| b == 0).unwrap()]).unwrap()
    }

    fn offset(&self, owner: &str, member: &str) -> usize {
        let found = self.types[1..]
            .iter()
            .find(|ty| (word(ty, 4) >> 24) & 31 == 4 && self.name(word(ty, 0)) == owner);
        self.member(found.unwrap(), member).unwrap_or_else(|| panic!("no {owner}.{member}")) / 8
    }

    /// Bit offset of a member, looked for in anonymous members too.
    fn member(&self, ty: &[u8], member: &str) -> Option<usize> {
        ty[12..].chunks(12).find_map(|m| {
            let offset = word(m, 8) & 0xff_ffff;
            match self.name(word(m, 0)) {
                "" => self.member(self.types[word(m, 4)], member).map(|inner| offset + inner),
                name => (name == member).then_some(offset),
            }
        })
    }
}
