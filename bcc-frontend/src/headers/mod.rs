//! Types, macros and inlines of the Target, so that no kernel headers are needed.
//!
//! request + Target → names used and defined (`mentions`, users' own headers included) → chunks
//! (`compat`) → types (`closure`) → virtual files and clang arguments.

mod args;
mod closure;
mod compat;
mod helpers;
mod install;
mod layout;
#[cfg(test)]
mod layout_tests;
mod lex;
mod mentions;
mod modules;
mod partial;
mod pch;
mod place;
mod real;
mod render;
mod spell;
mod tracepoint;
mod tree;
mod types;
mod user;

use crate::source::{ClangInput, SourceFile};
use bcc_core::compile::{CompileError, CompileRequest, Inputs};
use bcc_core::target::{Target, TargetError};
use compat::Compat;
use mentions::Mentions;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use types::Types;

pub(crate) use args::fixed as fixed_arguments;
pub(crate) use compat::{header_of_alias, names as compat_names};
pub use helpers::names as helper_names;
pub(crate) use mentions::is_keyword;
pub use partial::{lacks_types, make_whole};
pub use tree::own;

/// What the first stage hands on.
#[derive(Debug, Default)]
pub struct Headers {
    /// Main text, generated types, embedded `headers/`, and the arguments that name them.
    pub input: ClangInput,
    /// What was read besides the request.
    pub inputs: Inputs,
    /// Whether the kernel's types are out of real headers.
    pub real: bool,
    /// Set when `input` uses real headers that were read before.
    pub precompiled: Option<Precompiled>,
}

/// Real headers in clang's own format.
#[derive(Debug)]
pub struct Precompiled {
    file: PathBuf,
    /// The input without them, for when clang does not take the file: a header may have changed since.
    pub plain: ClangInput,
}

impl Precompiled {
    /// Removes the file, so that the next compile makes a new one.
    pub fn discard(&self) {
        pch::discard(&self.file);
    }
}

/// Files that are included in front of every text, in this order.
const FORCED: [&str; 5] = ["types.h", "vmlinux.h", "compat.h", "helpers.h", "behind.h"];

/// Types that generated text uses whatever the program says.
const ALWAYS: &[&str] = &[
    "u8", "u16", "u32", "u64", "s8", "s16", "s32", "s64", "__u8", "__u16", "__u32", "__u64",
    "__s8", "__s16", "__s32", "__s64", "bool", "true", "false", "NULL",
];

/// Names that a first parse did not find, sorted.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Missing {
    /// Everything undeclared, unknown or incomplete.
    pub names: Vec<String>,
    /// Those of them that are types.
    pub types: Vec<String>,
}

/// Builds the virtual tree for one request; what is `missing` is added to the closure's roots.
///
/// # Errors
/// [`CompileError::Target`] when the Target has neither BTF nor headers.
pub fn build(request: &CompileRequest, missing: &Missing) -> Result<Headers, CompileError> {
    let target = &request.target;
    if target.kernel_source.is_some() || target.vmlinux_btf.is_none() {
        return build_real(request);
    }
    let mut inputs = Inputs::default();
    let mut names = Mentions::default();
    let options = args::Options::of(request);
    let mut sources = user::Sources::new(request, &options, &mut inputs);
    sources.scan(&mut names);
    let refusals = sources.refusals();
    let virtual_headers = sources.virtual_headers;
    for define in &options.defines {
        names.scan(define.value.as_bytes());
        let mut value = Mentions::default();
        value.scan(define.value.as_bytes());
        names.bodies.insert(define.name.clone(), value.ordinary);
    }
    inputs.cpus = counts_cpus(&names);
    missing.names.iter().for_each(|name| names.add(name));
    ALWAYS.iter().for_each(|name| names.mention(name));
    let users = scan_our_headers(&virtual_headers, &mut names);
    names.expand_tags();

    let vmlinux = target.btf().map_err(|error| no_types(target, &error, &[]))?;
    let mut types = Types::new(vmlinux);
    modules::add(target, &names, missing, &mut types, &mut inputs);
    let tracepoints = tracepoints(target, &mut names, Some(&types), &mut inputs);
    let config = target.config();
    let compat =
        Compat { types: &types, target, config: &config, includes: virtual_headers.clone() };
    for tag in ["pt_regs", "user_pt_regs", "bpf_perf_event_data"] {
        // Ours for other architectures, although a tag is no ordinary name.
        if names.tags.contains_key(tag) {
            names.mention(tag);
        }
    }
    let macros = compat.pull(&mut names);
    add_pasted(&mut names, &types);
    inputs.cpus |= ["PAGE_SHIFT", "PAGE_SIZE"].iter().any(|name| names.words.contains(*name));
    let mut text = closure::write(&types, &names, &missing.names);
    text.push_str(&tracepoints);

    names.words.extend(helper_words(&macros));
    let declarations = helpers::write(&names, &users);
    let behind = helpers::renamed(&names, &users);
    let generated = [
        ("vmlinux.h", options.protect(&text)),
        ("compat.h", macros),
        (helpers::FILE, declarations),
        ("behind.h", behind),
    ];
    let mut files = tree::includable();
    for (name, text) in generated {
        let path = format!("{}/bcc/{name}", tree::INCLUDE);
        files.retain(|file| file.path != path);
        files.push(SourceFile { path, text: format!("#pragma once\n{text}").into_bytes() });
    }
    for header in &virtual_headers {
        for name in [header.clone(), format!("uapi/{header}")] {
            let path = format!("{}/{name}", tree::INCLUDE);
            if !files.iter().any(|file| file.path == path) {
                files.push(SourceFile { path, text: b"#pragma once\n".to_vec() });
            }
        }
    }
    files.extend(refusals);
    files.push(SourceFile { path: request.file.clone(), text: request.text.clone() });
    let args = args::clang(request);
    let input = ClangInput { main: request.file.clone(), files, args };
    Ok(Headers { input, inputs, real: false, precompiled: None })
}

/// Whether the user's text asks how many CPUs there are.
fn counts_cpus(names: &Mentions) -> bool {
    ["bpf_num_cpus", "BCC_NUM_CPUS"].iter().any(|name| names.words.contains(*name))
}

/// Of our own headers every ordinary name counts, as macros there use what no user's text names. What
/// they define is theirs, but for macros and typedefs: those may be fallbacks, and repeat the kernel's.
fn scan_our_headers(included: &HashSet<String>, names: &mut Mentions) -> helpers::Users {
    let mut users = helpers::Users::default();
    let mut queue: Vec<String> =
        included.iter().filter(|name| name.starts_with("bcc/")).cloned().collect();
    queue.push("bcc/helpers.h".to_owned());
    queue.sort();
    let mut seen = HashSet::new();
    while let Some(path) = queue.pop() {
        let file = tree::directory("bcc").find(|(name, _)| path.strip_prefix("bcc/") == Some(name));
        // Helpers need no type but those that are always there.
        let file = file.filter(|(name, _)| *name != helpers::FILE && seen.insert(path.clone()));
        let Some((_, text)) = file else { continue };
        let mut own = Mentions::default();
        own.scan(text);
        users.add(&own);
        own.ordinary.iter().filter(|n| !own.defined.contains(*n)).for_each(|n| names.mention(n));
        let by_value = own.tag_order.iter().filter(|tag| own.tags[*tag]);
        for tag in by_value.filter(|tag| !own.defined_tags.contains(*tag)) {
            names.tag(tag, true);
        }
        add_used_macros(&own, names);
        names.defined.extend(own.defined);
        names.defined_tags.extend(own.defined_tags);
        queue.extend(
            own.includes.iter().map(|operand| operand.trim_matches(['<', '>', '"']).to_owned()),
        );
    }
    users
}

/// Words of generated macros that may be helpers.
fn helper_words(macros: &str) -> Vec<String> {
    let words = macros.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| word.starts_with("bpf_")).map(str::to_owned).collect()
}

/// Tags that our own macros name, of those that the text uses.
fn add_used_macros(own: &Mentions, names: &mut Mentions) {
    let used = |name: &&String| names.words.contains(*name);
    let mut queue: Vec<&String> = own.bodies.keys().filter(used).collect();
    let mut seen: HashSet<&String> = queue.iter().copied().collect();
    while let Some(name) = queue.pop() {
        for word in &own.bodies[name] {
            if own.tags.contains_key(word) && !own.defined_tags.contains(word) {
                names.tag(word, false);
            }
            if let Some((word, _)) = own.bodies.get_key_value(word).filter(|(w, _)| seen.insert(w))
            {
                queue.push(word);
            }
        }
    }
}

/// The same out of a tree of real kernel headers.
///
/// # Errors
/// [`CompileError::Target`] when there is none; it says where it was looked for.
pub fn build_real(request: &CompileRequest) -> Result<Headers, CompileError> {
    let target = &request.target;
    let no_btf = TargetError::NoBtf { tried: "/sys/kernel/btf/vmlinux".to_owned() };
    let tree = real::find(target).map_err(|tried| no_types(target, &no_btf, &tried))?;
    let mut inputs = Inputs::default();
    let mut names = Mentions::default();
    let options = args::Options::of(request);
    let mut sources = user::Sources::new(request, &options, &mut inputs);
    sources.scan(&mut names);
    let refusals = sources.refusals();
    let first = user::first_includes(request, &sources.virtual_headers);
    inputs.cpus = counts_cpus(&names);
    let identity = tree.identity();
    inputs.files.extend(identity.iter().cloned());
    let tracepoints = tracepoints(target, &mut names, None, &mut inputs);
    let real = real::Real::new(request, &options, &tree, &tracepoints);
    let with = |mut input: ClangInput| {
        input.files.extend(refusals.iter().cloned());
        input
    };
    let file = target
        .index_cache
        .as_deref()
        .and_then(|directory| pch::open(directory, &real.front(&first), &identity));
    let Some(file) = file else {
        return Ok(Headers { input: with(real.plain()), inputs, real: true, precompiled: None });
    };
    let input = with(real.over(&file, &first));
    let precompiled = Some(Precompiled { file, plain: with(real.plain()) });
    Ok(Headers { input, inputs, real: true, precompiled })
}

fn no_types(target: &Target, error: &TargetError, tried: &[String]) -> CompileError {
    let release = &target.release;
    let os_release = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    let advice = install::command(&os_release, release);
    let message = match (&target.kernel_source, tried) {
        (Some(named), _) => {
            let why = match named.exists() {
                true => "has no kernel headers: there is no include/linux/kconfig.h",
                false => "does not exist",
            };
            format!(
                "{} (BCC_KERNEL_SOURCE or kernel_source) {why}. Name none to use the kernel's own types, \
                 or {advice}",
                named.display()
            )
        }
        (None, []) => format!("the types of kernel {release} cannot be read: {error}"),
        (None, tried) => format!(
            "no type information and no headers for kernel {release}: tried /sys/kernel/btf/vmlinux, {}. \
             Use a kernel with CONFIG_DEBUG_INFO_BTF, or {advice}, or name a tree of headers by BCC_KERNEL_SOURCE",
            tried.join(", ")
        ),
    };
    CompileError::Target { message }
}

/// Structs for the tracepoints that the text names; what they mention is added to `names`.
fn tracepoints(
    target: &Target,
    names: &mut Mentions,
    types: Option<&Types>,
    inputs: &mut Inputs,
) -> String {
    let mut out = String::new();
    for (category, event) in std::mem::take(&mut names.tracepoints) {
        inputs.tracepoints.push(format!("{category}/{event}"));
        if names.defined_tags.contains(&format!("tracepoint__{category}__{event}")) {
            continue;
        }
        let format = target.tracepoint_format(&category, &event);
        let index = types.map(Types::vmlinux);
        let text = format.and_then(|f| tracepoint::structure(&category, &event, &f, index));
        if let Some(text) = text {
            let mut inner = Mentions::default();
            inner.scan(text.as_bytes());
            inner.ordinary.iter().for_each(|name| names.mention(name));
            let is_known = |tag: &str| {
                types.is_some_and(|t| t.tagged(tag).is_some() || t.enum_tagged(tag).is_some())
            };
            for tag in inner.tag_order.iter().filter(|tag| is_known(tag)) {
                names.tag(tag, inner.tags[tag]);
            }
            names.enums.extend(inner.enums);
            out.push_str(&text);
        }
    }
    out
}

/// Names that a text pastes together are found by what they begin with.
fn add_pasted(names: &mut Mentions, types: &Types) {
    let prefixes: Vec<String> = names.prefixes.iter().filter(|p| p.len() > 2).cloned().collect();
    if prefixes.is_empty() {
        return;
    }
    let pasted = types.with_prefix(|name| prefixes.iter().any(|p| name.starts_with(p.as_str())));
    pasted.iter().for_each(|name| names.mention(name));
}

/// Absolute form of a user's path.
fn absolute(cwd: &Path, path: &Path) -> PathBuf {
    if path.is_absolute() { path.to_owned() } else { cwd.join(path) }
}
