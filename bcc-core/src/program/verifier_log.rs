//! What the verifier wrote: the lines that tell, the user's line they are about, and what may help.

use super::helpers;
use std::fmt;

/// The kernel's log of one load, whole.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VerifierLog {
    text: String,
    /// `file:line` of the user's text that the last instruction came from.
    place: Option<String>,
}

/// Statistics that end each log and tell nothing of a failure.
const STATISTICS: &[&str] =
    &["processed ", "verification time ", "stack depth ", "insns processed "];

/// How far back of the end the source line of the failing instruction is looked for.
const CONTEXT: usize = 12;

const TOO_COMPLEX: &str =
    "the verifier walks at most a million instructions: give loops a small constant bound";

const UNBOUNDED_INDEX: &str =
    "the verifier sees no bound of this index: compare it with the size, or mask it";

const UNINITIALISED: &str = "not all bytes of this variable are set, padding included: clear it with \
     `= {}` or __builtin_memset()";

/// Part of a message, and what may help.
const HINTS: &[(&str, &str)] = &[
    (
        "invalid stack off=-",
        "a program has 512 bytes of stack; keep large structs in a one-element percpu array",
    ),
    ("invalid write to stack", "a program has 512 bytes of stack, and writes must stay inside"),
    ("map_value_or_null", "the result of lookup() may be NULL: test it before it is used"),
    (
        "invalid mem access 'inv'",
        "this address is not known to be valid: read through it with bpf_probe_read_kernel or _user",
    ),
    (
        "invalid mem access 'scalar'",
        "this address is not known to be valid: read through it with bpf_probe_read_kernel or _user",
    ),
    (
        "BPF_STX uses reserved fields",
        "before 5.12 the only atomic is an addition whose result is not used (lock_xadd)",
    ),
    ("unknown opcode", "the running kernel does not know this instruction; it may be too old"),
    (
        "back-edge",
        "the running kernel takes no loops: unroll it (#pragma unroll) or use kernel 5.3 or later",
    ),
    (
        "cannot call GPL-restricted function",
        "this helper needs a GPL-compatible license: remove BPF_LICENSE or make it GPL",
    ),
    ("BPF program is too large", TOO_COMPLEX),
    ("jumps is too complex", TOO_COMPLEX),
    ("infinite loop detected", "the verifier sees no end of this loop: give it a constant bound"),
    (
        "invalid access to packet",
        "compare with data_end before this read, and leave when the packet ends earlier",
    ),
    ("makes fp pointer be out of bounds", UNBOUNDED_INDEX),
    ("unbounded variable-offset", UNBOUNDED_INDEX),
    ("makes map_value pointer be out of bounds", UNBOUNDED_INDEX),
    ("unbounded memory access", UNBOUNDED_INDEX),
    ("register with unbounded", UNBOUNDED_INDEX),
    (
        "type=scalar expected=fp",
        "a pointer is expected here: pass the address of a variable, as in `&x`",
    ),
    (
        "type=inv expected=fp",
        "a pointer is expected here: pass the address of a variable, as in `&x`",
    ),
    ("invalid access to map value", UNBOUNDED_INDEX),
    (
        "min value is negative",
        "the verifier thinks that it may be negative: make it unsigned, and mask it (`n & 63`) just before",
    ),
    (
        "R0 !read_ok",
        "on some path the program ends without `return` of a value, or with an undefined one",
    ),
    ("indirect read from stack", UNINITIALISED),
    ("invalid read from stack", UNINITIALISED),
    ("invalid bpf_context access", "a program of this type may not touch this part of its context"),
    (
        "Unreleased reference",
        "what was reserved or acquired is given back on every path: ringbuf_submit() or \
         ringbuf_discard(), bpf_sk_release()",
    ),
];

impl VerifierLog {
    /// Takes a log up to its first NUL.
    pub fn new(bytes: &[u8]) -> Self {
        let end = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
        let text = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let place = place_in_text(&text);
        Self { text, place }
    }

    /// Puts the place that line info gives, for kernels whose log does not say it.
    #[must_use]
    pub(super) fn with_place(mut self, lookup: impl FnOnce(usize) -> Option<String>) -> Self {
        if self.place.is_none() {
            self.place = self.last_insn().and_then(lookup);
        }
        self
    }

    /// All of it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether the kernel wrote nothing.
    pub fn is_empty(&self) -> bool {
        self.text.trim().is_empty()
    }

    /// `file:line` of the user's text that the failing instruction came from, where known.
    pub fn place(&self) -> Option<&str> {
        if crate::mutation::off("log:place") {
            return None;
        }
        self.place.as_deref()
    }

    /// Index of the last instruction the log shows.
    pub fn last_insn(&self) -> Option<usize> {
        self.text.lines().rev().find_map(insn_index)
    }

    fn lines(&self) -> Vec<&str> {
        let tells = |line: &&str| {
            !line.trim().is_empty() && !STATISTICS.iter().any(|start| line.starts_with(start))
        };
        self.text.lines().filter(tells).collect()
    }

    /// The last lines that tell why: from the last source line (or instruction) on, without statistics.
    /// With the number of lines left out.
    pub fn telling(&self) -> (Vec<&str>, usize) {
        let lines = self.lines();
        let near = lines.len().saturating_sub(CONTEXT);
        let last =
            |wanted: &dyn Fn(&str) -> bool| (near..lines.len()).rev().find(|at| wanted(lines[*at]));
        let from = last(&|line| line.starts_with("; "))
            .or_else(|| last(&|line| insn_index(line).is_some()))
            .unwrap_or(lines.len().saturating_sub(2));
        (lines[from..].to_vec(), from)
    }

    /// What may help, one line each.
    pub fn hints(&self) -> Vec<String> {
        if crate::mutation::off("log:hints") {
            return Vec::new();
        }
        let (lines, _) = self.telling();
        let text = lines.join("\n");
        let mut hints: Vec<String> = HINTS
            .iter()
            .filter(|(needle, _)| text.contains(needle))
            .map(|(_, hint)| (*hint).to_owned())
            .collect();
        hints.extend(lines.iter().find_map(|line| unknown_helper(line)));
        hints.dedup();
        hints
    }

    /// Whether a helper is called that the kernel does not have, or not for such a program.
    pub(super) fn lacks_helper(&self) -> bool {
        self.telling().0.iter().any(|line| unknown_helper(line).is_some())
    }
}

/// Telling lines and "(N lines omitted)"; with `{:#}` the whole log.
impl fmt::Display for VerifierLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.alternate() {
            return f.write_str(self.text.trim_end());
        }
        let (lines, omitted) = self.telling();
        f.write_str(&lines.join("\n"))?;
        if omitted > 0 { write!(f, "\n({omitted} lines omitted)") } else { Ok(()) }
    }
}

/// `12: (85) call …` gives 12.
fn insn_index(line: &str) -> Option<usize> {
    let (index, rest) = line.trim_start().split_once(": ")?;
    rest.starts_with('(').then(|| index.parse().ok())?
}

/// `; text @ file.c:12` (since 6.9) gives `file.c:12`.
fn place_in_text(text: &str) -> Option<String> {
    text.lines().rev().filter(|line| line.starts_with("; ")).find_map(|line| {
        let (_, place) = line.rsplit_once(" @ ")?;
        let (file, number) = place.rsplit_once(':')?;
        let number: u32 = number.trim().parse().ok()?;
        (!file.is_empty()).then(|| format!("{file}:{number}"))
    })
}

/// `invalid func ringbuf_output#130`, `unknown func bpf_x#130`, since 6.12 `program of this type
/// cannot use helper bpf_x#130`: which kernel has it.
fn unknown_helper(line: &str) -> Option<String> {
    let abouts = ["invalid func ", "unknown func ", "cannot use helper "];
    let about = abouts.iter().find(|start| line.contains(**start))?;
    let name = line.split(about).nth(1)?.split_whitespace().next()?;
    let id: u32 = name.rsplit_once('#')?.1.parse().ok()?;
    let (name, since) = (helpers::name(id)?, helpers::since(id)?);
    Some(format!("bpf_{name} is there since kernel {since}, and not for every type of program"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "func#0 @0\n0: R1=ctx() R10=fp0\n; int x = *p; @ main.c:7\n\
        0: (61) r0 = *(u32 *)(r1 +0)\nR1 invalid mem access 'scalar'\n\
        processed 1 insns (limit 1000000) max_states_per_insn 0\n\n\0rest";

    #[test]
    fn the_telling_lines_begin_at_the_users_line() {
        let log = VerifierLog::new(LOG.as_bytes());
        assert_eq!(log.place(), Some("main.c:7"));
        let (lines, omitted) = log.telling();
        assert_eq!(lines[0], "; int x = *p; @ main.c:7");
        assert_eq!(lines.last(), Some(&"R1 invalid mem access 'scalar'"));
        assert_eq!(omitted, 2);
        assert!(log.to_string().ends_with("(2 lines omitted)"));
        assert!(format!("{log:#}").contains("processed 1 insns"));
        assert_eq!(log.hints().len(), 1);
    }

    #[test]
    fn without_a_place_the_last_instruction_says_it() {
        let log = VerifierLog::new(b"0: (b7) r0 = 0\n5: (95) exit\nR0 !read_ok\n");
        assert_eq!(log.place(), None);
        let log = log.with_place(|insn| Some(format!("a.c:{insn}")));
        assert_eq!(log.place(), Some("a.c:5"));
    }

    #[test]
    fn unknown_helpers_name_the_kernel_that_has_them() {
        let log = VerifierLog::new(b"3: (85) call ringbuf_output#130\ninvalid func unknown#130\n");
        assert!(log.hints()[0].contains("bpf_ringbuf_output is there since kernel 5.8"));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_a_log(bytes: Vec<u8>) {
            let log = VerifierLog::new(&bytes);
            let _text = format!("{log} {log:#} {:?} {:?}", log.hints(), log.place());
        }
    }
}
