//! Macros, constants and inline functions that BTF lacks: chunks of `headers/compat` and `headers/uapi`,
//! of which a text gets the ones it names.
//!
//! A file there is C with remarks: `//@header a/b.h` says whose names follow; in front of one chunk,
//! `//@if CONDITION` says for which kernels it is, and `//@alias` that it stands for a member or the like
//! and exists only for texts that include its header. `$sizeof(tag.member)` is filled in from BTF.

use super::mentions::Mentions;
use super::tree;
use super::types::Types;
use bcc_core::target::{Config, Target, bpf_arch};
use std::collections::{HashMap, HashSet};
use std::fmt::Write;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::LazyLock;

/// One macro, or one function, struct or declaration.
#[derive(Debug, Clone, Copy)]
struct Chunk {
    text: &'static str,
    header: &'static str,
    /// Lines `//@if …` of this chunk, conditions that must all hold.
    remarks: &'static str,
    is_macro: bool,
}

/// Every chunk, in the order of the files, and how to find those of a name. Built once per process, which
/// most often compiles one text: so few allocations, and a hash that needs not withstand attacks.
struct Chunks {
    /// Each with its name and the index of the next one of that name.
    all: Vec<(&'static str, Chunk, Option<u32>)>,
    /// The first and the last one of each name.
    by_name: HashMap<&'static str, (u32, u32), BuildHasherDefault<NameHasher>>,
}

impl Chunks {
    fn add(&mut self, name: &'static str, chunk: Chunk) {
        let at = u32::try_from(self.all.len()).expect("our own headers are small");
        self.all.push((name, chunk, None));
        let (_, last) = self.by_name.entry(name).or_insert((at, at));
        if *last != at {
            self.all[*last as usize].2 = Some(at);
            *last = at;
        }
    }

    /// The chunks of one name, in the order of the files.
    fn of(&self, name: &str) -> impl Iterator<Item = &Chunk> {
        let mut next = self.by_name.get(name).map(|(first, _)| *first);
        std::iter::from_fn(move || {
            let (_, chunk, after) = &self.all[next? as usize];
            next = *after;
            Some(chunk)
        })
    }
}

/// FNV-1a.
struct NameHasher(u64);

impl Default for NameHasher {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for NameHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// More than there are chunks; the most that a table of 16,384 slots takes.
const ROOM: usize = 14_336;

static CHUNKS: LazyLock<Chunks> = LazyLock::new(|| {
    let by_name = HashMap::with_capacity_and_hasher(ROOM, BuildHasherDefault::default());
    let mut chunks = Chunks { all: Vec::with_capacity(ROOM), by_name };
    for directory in ["compat", "uapi"] {
        for (_, bytes) in tree::directory(directory) {
            let text = std::str::from_utf8(bytes).unwrap_or("");
            split(text, &mut |name, chunk| chunks.add(name, chunk));
        }
    }
    chunks
});

/// Names that stand where members do.
static ALIASES: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let aliases = CHUNKS.all.iter().filter(|(_, chunk, _)| chunk.remarks.contains("//@alias"));
    let mut names: Vec<_> = aliases.map(|(name, ..)| *name).collect();
    names.sort_unstable();
    names.dedup();
    names
});

/// Every name that there is a chunk of.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    CHUNKS.all.iter().map(|(name, ..)| *name)
}

/// The header that a text must include to use the alias `name` of a member.
pub(crate) fn header_of_alias(name: &str) -> Option<&'static str> {
    let chunk = CHUNKS.of(name).find(|chunk| chunk.remarks.contains("//@alias"))?;
    chunk.header.split_whitespace().next()
}

/// Cuts a file into chunks.
fn split(text: &'static str, found: &mut impl FnMut(&'static str, Chunk)) {
    let (mut at, mut header, mut remarks) = (0, "", 0..0);
    while at < text.len() {
        let line = line_at(text, at);
        let start = at;
        at += line.len();
        if let Some(name) = line.strip_prefix("//@header ") {
            (header, remarks) = (name.trim(), at..at);
        } else if line.starts_with("//@") {
            if remarks.end != start {
                remarks = start..start;
            }
            remarks.end = at;
        } else if line.trim().is_empty()
            || line.starts_with("/*")
            || line.starts_with("//")
            || line.starts_with(" *")
        {
            remarks = at..at;
        } else {
            let is_macro = line.starts_with('#');
            let mut last = line;
            while at < text.len() && !ends(last, is_macro) {
                last = line_at(text, at);
                at += last.len();
            }
            let own = if remarks.end == start { &text[remarks.clone()] } else { "" };
            let text = &text[start..at];
            if let Some(name) = name(text, is_macro) {
                found(name, Chunk { text, header, remarks: own, is_macro });
            }
        }
    }
}

fn line_at(text: &'static str, at: usize) -> &'static str {
    text[at..].split_inclusive('\n').next().unwrap_or("")
}

fn ends(line: &str, is_macro: bool) -> bool {
    if is_macro {
        return !line.trim_end().ends_with('\\');
    }
    !line.starts_with([' ', '\t']) && line.trim_end().ends_with(['}', ';'])
}

fn name(text: &'static str, is_macro: bool) -> Option<&'static str> {
    let word = |text: &'static str| {
        let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
        (end > 0).then(|| &text[..end])
    };
    if is_macro {
        return word(text.strip_prefix("#define ")?);
    }
    if let Some(tag) = text.strip_prefix("struct ") {
        return word(tag);
    }
    if text.starts_with("typedef ") {
        let text = text.trim_end().trim_end_matches(';');
        return text.rsplit(|c: char| !c.is_ascii_alphanumeric() && c != '_').next();
    }
    let head = &text[..text.find('(').unwrap_or(text.len())];
    let start = head.rfind(|c: char| !c.is_ascii_alphanumeric() && c != '_').map_or(0, |at| at + 1);
    word(&head[start..])
}

/// A register that only one architecture's `struct pt_regs` has.
const REGISTERS: &[(&str, &str)] = &[
    ("x86", "orig_ax"),
    ("arm64", "orig_x0"),
    ("s390", "orig_gpr2"),
    ("powerpc", "orig_gpr3"),
    ("riscv", "badaddr"),
    ("loongarch", "csr_era"),
    ("mips", "cp0_epc"),
];

/// What decides which chunks there are.
#[derive(Debug)]
pub(super) struct Compat<'a> {
    pub(super) types: &'a Types,
    pub(super) target: &'a Target,
    pub(super) config: &'a Config,
    /// Names of headers that the text includes, without `uapi/`.
    pub(super) includes: HashSet<String>,
}

/// The chunks whose names begin like one of `prefixes`, which stand left of a `##`.
fn pasted(prefixes: &HashSet<String>) -> Vec<&'static str> {
    let prefixes: Vec<&String> = prefixes.iter().filter(|p| p.len() > 2).collect();
    if prefixes.is_empty() {
        return Vec::new();
    }
    let begins = |name: &&&str| prefixes.iter().any(|p| name.starts_with(p.as_str()));
    let mut found: Vec<&str> = CHUNKS.by_name.keys().filter(begins).copied().collect();
    found.sort_unstable();
    found
}

impl Compat<'_> {
    /// Pulls in what `names` mentions, and what that mentions in turn; returns C text for macros and
    /// inline functions, in an order that C accepts.
    pub(super) fn pull(&self, names: &mut Mentions) -> String {
        let mut pulled = HashSet::new();
        let mut out = String::new();
        pasted(&names.prefixes).into_iter().for_each(|name| names.mention(name));
        for alias in &*ALIASES {
            if names.words.contains(*alias) {
                names.mention(alias);
            }
        }
        let mut at = 0;
        // Chunks are scanned into `names`, so the list grows while it is walked.
        while at < names.ordinary.len() {
            let name = names.ordinary[at].clone();
            self.one(&name, names, &mut pulled, &mut out);
            at += 1;
        }
        out
    }

    fn one(
        &self,
        name: &str,
        names: &mut Mentions,
        pulled: &mut HashSet<String>,
        out: &mut String,
    ) {
        if names.defines(name) || !pulled.insert(name.to_owned()) {
            return;
        }
        // `IS_ENABLED(CONFIG_X)` pastes the other one of the two names together.
        if name.starts_with("CONFIG_") && self.config.get(name) == Some("m") {
            self.one(&format!("{name}_MODULE"), names, pulled, out);
            return;
        }
        if let Some(value) = self.computed(name) {
            let _infallible = writeln!(out, "#ifndef {name}\n#define {name} {value}\n#endif");
            return;
        }
        let applying = CHUNKS.of(name).filter(|chunk| self.applies(name, chunk, names));
        let filled = applying.filter_map(|chunk| Some((chunk, self.fill(chunk.text)?))).next();
        let Some((chunk, text)) = filled else { return };
        if chunk.text.starts_with("struct ") && !names.defined_tags.insert(name.to_owned()) {
            return;
        }
        if chunk.text.starts_with("typedef ") {
            names.typedefs.insert(name.to_owned());
        }
        // A chunk's own definition must not count as the user's.
        let mut inner = Mentions::default();
        inner.scan(text.as_bytes());
        names.words.extend(std::mem::take(&mut inner.words));
        for tag in &inner.tag_order {
            names.tag(tag, inner.tags[tag]);
        }
        names.enums.extend(std::mem::take(&mut inner.enums));
        pasted(&inner.prefixes).into_iter().for_each(|name| inner.mention(name));
        if let Some(by_value) = names.tags.get(name).copied().filter(|_| chunk.is_macro) {
            inner.ordinary.iter().for_each(|target| names.tag(target, by_value));
        }
        for used in &inner.ordinary {
            names.mention(used);
            self.one(used, names, pulled, out);
        }
        if chunk.is_macro {
            let _infallible = write!(out, "#ifndef {name}\n{text}#endif\n");
        } else {
            out.push_str(&text);
        }
    }

    fn applies(&self, name: &str, chunk: &Chunk, names: &Mentions) -> bool {
        // An enumerator of the kernel's says the value best; function-like names have none.
        if chunk.is_macro && self.types.enumerator(name).is_some() {
            return false;
        }
        chunk.remarks.lines().all(|remark| match remark.strip_prefix("//@if ") {
            Some(condition) => self.holds(condition.trim()),
            None if remark.starts_with("//@alias") => {
                self.includes_any(chunk.header) && !names.declared.contains(name)
            }
            None => true,
        })
    }

    fn includes_any(&self, headers: &str) -> bool {
        headers.split_whitespace().any(|header| self.includes.contains(header))
    }

    fn holds(&self, condition: &str) -> bool {
        let (wanted, condition) = match condition.strip_prefix('!') {
            Some(rest) => (false, rest.trim()),
            None => (true, condition),
        };
        let mut words = condition.split_whitespace();
        let (kind, first, second) =
            (words.next(), words.next().unwrap_or(""), words.next().unwrap_or(""));
        let truth = match kind {
            Some("member") => self.types.has_member(first, second),
            Some("size") => self.has_size(first, second),
            Some("function") => self.types.has_function(first),
            Some("tag") => self.types.tagged(first).is_some(),
            Some("typedef") => self.types.typedef(first).is_some(),
            Some("enumerator") => self.types.enumerator(first).is_some(),
            Some("arch") => bpf_arch(&self.target.arch) == first,
            Some("foreign") => self.is_foreign(first),
            _ => false,
        };
        truth == wanted
    }

    /// Whether a member (`tag.member`) has so many bytes.
    fn has_size(&self, place: &str, bytes: &str) -> bool {
        let found =
            place.split_once('.').and_then(|(tag, member)| self.types.member_size(tag, member));
        found.is_some() && found == bytes.parse().ok()
    }

    /// Whether the Target's architecture (`arch`, or any) is another than that of its types: the user
    /// asked for it with `ARCH`.
    fn is_foreign(&self, arch: &str) -> bool {
        let wanted = bpf_arch(&self.target.arch);
        let register = REGISTERS.iter().find(|(of, _)| *of == wanted);
        (arch.is_empty() || arch == wanted)
            && register.is_some_and(|(_, member)| !self.types.has_member("pt_regs", member))
    }

    /// Fills in the sizes that a chunk takes from BTF; `None` when BTF does not have one.
    fn fill(&self, text: &str) -> Option<String> {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((head, tail)) = rest.split_once("$sizeof(") {
            let (place, tail) = tail.split_once(')')?;
            let (tag, member) = place.split_once('.')?;
            let _infallible = write!(out, "{head}{}", self.types.member_size(tag, member)?);
            rest = tail;
        }
        out.push_str(rest);
        Some(out)
    }

    /// Macros whose value is a fact of the Target.
    fn computed(&self, name: &str) -> Option<String> {
        let numeric = |option: &str| {
            let value = self.config.get(option)?;
            value.parse::<u64>().ok().map(|value| value.to_string())
        };
        match name {
            "LINUX_VERSION_CODE" => Some(self.target.version_code().to_string()),
            "LINUX_VERSION_MAJOR" => Some((self.target.version_code() >> 16).to_string()),
            "LINUX_VERSION_PATCHLEVEL" => {
                Some((self.target.version_code() >> 8 & 0xff).to_string())
            }
            "LINUX_VERSION_SUBLEVEL" => Some((self.target.version_code() & 0xff).to_string()),
            "PAGE_SHIFT" => Some(self.target.page_size.max(1).ilog2().to_string()),
            "HZ" => numeric("CONFIG_HZ"),
            "NR_CPUS" => numeric("CONFIG_NR_CPUS"),
            "UTS_RELEASE" => Some(format!("\"{}\"", self.target.release)),
            _ => self.option(name),
        }
    }

    /// `CONFIG_X` as the kernel's autoconf.h has it.
    fn option(&self, name: &str) -> Option<String> {
        let module = name.strip_suffix("_MODULE").filter(|n| n.starts_with("CONFIG_"));
        if module.is_some_and(|module| self.config.get(module) == Some("m")) {
            return Some("1".to_owned());
        }
        if !name.starts_with("CONFIG_") {
            return None;
        }
        match self.config.get(name)? {
            "y" => Some("1".to_owned()),
            "m" | "n" => None,
            value => Some(value.to_owned()),
        }
    }
}
