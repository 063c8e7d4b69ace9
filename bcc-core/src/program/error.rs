//! What can go wrong when a program is loaded.

use super::verifier_log::VerifierLog;
use bcc_sys::SysError;
use bcc_sys::bpf::ProgType;
use nix::errno::Errno;

/// A program that could not be loaded, run or taken apart.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The verifier refuses it. `Display` shows the telling lines, [`LoadError::log`] has all.
    #[error("{}", verifier(.program, *.errno, .log, .hints))]
    Verifier {
        /// C function.
        program: String,
        /// The kernel's answer.
        errno: Errno,
        /// What the verifier wrote.
        log: VerifierLog,
        /// What may help, one line each.
        hints: Vec<String>,
    },
    /// The kernel refuses it and does not say why.
    #[error("failed to load program {program}: {}{}", source.errno.desc(), parenthesised(.hint))]
    Kernel {
        /// C function.
        program: String,
        /// Its type.
        prog_type: ProgType,
        /// The kernel's answer.
        source: SysError,
        /// What is missing: a capability, a kernel feature; or empty.
        hint: String,
    },
    /// More instructions than the kernel takes.
    #[error("program {program} has {count} instructions, the limit is {limit}")]
    TooLarge {
        /// C function.
        program: String,
        /// Its instructions.
        count: usize,
        /// What the kernel takes.
        limit: usize,
    },
    /// The module has no such function.
    #[error("unknown program {program}; the module has {}", listed(.known))]
    Unknown {
        /// The name asked for.
        program: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// A function whose name and section say no type, and none was given.
    #[error("program {program} has no type: neither its name nor its section says one")]
    NoType {
        /// C function.
        program: String,
    },
    /// The kernel function, hook or iterator that the program attaches to is not in the kernel's BTF.
    #[error("{target} is not found in {module} BTF")]
    Target {
        /// C function.
        program: String,
        /// What was looked for.
        target: String,
        /// `vmlinux` or a module.
        module: String,
    },
    /// A kernel or module without BTF.
    #[error("{module} BTF is not found{}", parenthesised(.why))]
    NoBtf {
        /// `vmlinux` or a module.
        module: String,
        /// Why, or empty.
        why: String,
    },
    /// Compiled code that refers to what is not there: a damaged module.
    #[error("program {program}: instruction {insn} refers to {what}")]
    Relocation {
        /// C function.
        program: String,
        /// Index.
        insn: u32,
        /// What is wrong.
        what: String,
    },
    /// A test run that the kernel does not do.
    #[error("failed to run program {program}: {}", source.errno.desc())]
    TestRun {
        /// C function.
        program: String,
        /// The kernel's answer.
        source: SysError,
    },
}

impl LoadError {
    /// The kernel's error number, where it was the kernel that refused.
    pub fn errno(&self) -> Option<Errno> {
        match self {
            Self::Verifier { errno, .. } => Some(*errno),
            Self::Kernel { source, .. } | Self::TestRun { source, .. } => Some(source.errno),
            Self::TooLarge { .. } => Some(Errno::E2BIG),
            _ => None,
        }
    }

    /// The verifier's log, where there is one.
    pub fn log(&self) -> Option<&VerifierLog> {
        match self {
            Self::Verifier { log, .. } => Some(log),
            _ => None,
        }
    }
}

fn parenthesised(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!(" ({text})") }
}

fn verifier(program: &str, errno: Errno, log: &VerifierLog, hints: &[String]) -> String {
    let place = log.place().map(|place| format!("{place}: ")).unwrap_or_default();
    let mut text = format!("{place}program {program} was rejected: {}\n{log}", errno.desc());
    for hint in hints {
        text.push_str("\nhint: ");
        text.push_str(hint);
    }
    text
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
