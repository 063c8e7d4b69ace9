//! C functions that fetch the arguments of enabled probes: `_bpf_readarg_FUNCTION_N`, and
//! `_bpf_readarg__any_N` for functions that several handlers may call.

use super::notes::{Location, Probe};
use super::operand::IndexPart;
use super::{Argument, Operand, Usdt, UsdtError};
use goblin::elf::header::{EM_AARCH64, EM_X86_64};
use std::collections::BTreeMap;
use std::fmt::Write;

/// One place of a handler's probes: where it is in memory, if that is known.
struct Site<'a> {
    probe: &'a Probe,
    location: &'a Location,
    addresses: Vec<u64>,
}

/// Arguments of handlers, counted from 1, that no program can read, and why.
type Unreadable<'a> = BTreeMap<(&'a str, usize), String>;

/// Readers for all enabled probes of all contexts. A handler may serve several probes, also of
/// several files and processes. A program that asks for an argument where programs cannot look (a
/// vector register) does not compile, and the compiler's message says where the argument is.
///
/// # Errors
/// [`UsdtError::NeedsPid`], [`UsdtError::Machine`].
pub fn generate(contexts: &[&Usdt]) -> Result<String, UsdtError> {
    let mut by_function: BTreeMap<&str, Vec<Site<'_>>> = BTreeMap::new();
    for context in contexts {
        for (probe, function) in context.enabled() {
            let sites = by_function.entry(function).or_default();
            for location in &probe.locations {
                add_site(sites, context, probe, location);
            }
        }
    }
    let (mut text, mut unreadable) = (String::new(), Unreadable::new());
    for (function, sites) in &by_function {
        let count = sites.iter().map(|site| site.location.arguments.len()).max().unwrap_or(0);
        for index in 0..count {
            if let Some(why) = write_reader(&mut text, function, index, sites)? {
                unreadable.insert((*function, index + 1), why);
            }
        }
    }
    write_any(&mut text, contexts, &by_function, &unreadable);
    Ok(text)
}

/// Readers that find out by the probe's place which handler's readers are meant. Where places can't
/// be told apart there are none, and only calls in handlers compile.
fn write_any<'a>(
    text: &mut String,
    contexts: &[&'a Usdt],
    by_function: &BTreeMap<&str, Vec<Site<'a>>>,
    unreadable: &Unreadable<'_>,
) {
    let mut sites: Vec<Site<'a>> = Vec::new();
    for context in contexts {
        for (probe, _) in context.enabled() {
            for location in &probe.locations {
                add_site(&mut sites, context, probe, location);
            }
        }
    }
    let arguments = |site: &Site<'_>| site.location.arguments.len();
    let Ok((selector, labels)) = labels(&sites).or_else(|error| match by_function.len() {
        1 => Ok((String::new(), Vec::new())),
        _ => Err(error),
    }) else {
        return;
    };
    // The first handler of each place: all read the same there.
    let handler = |site: &Site<'_>| {
        by_function.iter().find_map(|(function, theirs)| {
            let same = |other: &Site<'_>| std::ptr::eq(other.location, site.location);
            theirs.iter().any(same).then_some(*function)
        })
    };
    for n in 1..=sites.iter().map(arguments).max().unwrap_or(0) {
        let only = by_function.keys().next().filter(|_| by_function.len() == 1);
        if let Some(why) = only.and_then(|function| unreadable.get(&(*function, n))) {
            write_refusal(text, "_any", n, why);
            continue;
        }
        write_head(text, "_any", n, "");
        if let Some(function) = only {
            let _ = writeln!(text, "  return _bpf_readarg_{function}_{n}(ctx, dest, len);\n}}");
            continue;
        }
        let _ = writeln!(text, "  switch ({selector}) {{");
        for (site, labels) in sites.iter().zip(&labels).filter(|(site, _)| arguments(site) >= n) {
            let function = handler(site).filter(|f| !unreadable.contains_key(&(*f, n)));
            let Some(function) = function else { continue };
            for label in labels {
                let _ = write!(text, "  case {label:#x}ULL:");
            }
            let _ = writeln!(text, " return _bpf_readarg_{function}_{n}(ctx, dest, len);");
        }
        let _ = writeln!(text, "  }}\n  return -1;\n}}");
    }
}

fn add_site<'a>(
    sites: &mut Vec<Site<'a>>,
    context: &Usdt,
    probe: &'a Probe,
    location: &'a Location,
) {
    let address = if probe.is_fixed {
        Some(location.address)
    } else {
        context.address_in_process(&probe.path, location.offset)
    };
    // The same file in another process has the same operands.
    let same = sites.iter_mut().find(|site| {
        site.probe.path == probe.path
            && site.location.offset == location.offset
            && site.location.arguments == location.arguments
    });
    match same {
        Some(site) => site.addresses.extend(address),
        None => sites.push(Site { probe, location, addresses: address.into_iter().collect() }),
    }
}

/// Starts the function that fetches argument `n` for a handler.
fn write_head(text: &mut String, function: &str, n: usize, attribute: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(
        text,
        "static __always_inline {attribute}int _bpf_readarg_{function}_{n}(struct pt_regs *ctx, \
         void *dest, size_t len) {{"
    );
}

/// A reader that the compiler refuses to call.
fn write_refusal(text: &mut String, function: &str, n: usize, why: &str) {
    write_head(text, function, n, &format!("__attribute__((unavailable(\"{why}\"))) "));
    text.push_str("  return -1;\n}\n");
}

/// Writes the reader of one argument. What it returns is why there can be none.
fn write_reader(
    text: &mut String,
    function: &str,
    index: usize,
    sites: &[Site<'_>],
) -> Result<Option<String>, UsdtError> {
    let with: Vec<(&Site<'_>, &Argument)> =
        sites.iter().filter_map(|site| Some((site, site.location.arguments.get(index)?))).collect();
    let widest = with.iter().map(|(_, argument)| *argument);
    let widest = widest.reduce(|widest, next| if next.size > widest.size { next } else { widest });
    let Some(widest) = widest else { return Ok(None) };
    let ctype = widest.ctype();
    let fetches = with.iter().map(|(site, argument)| fetch(site, argument, ctype));
    let fetches: Vec<Option<String>> = fetches.collect::<Result<_, _>>()?;
    if fetches.iter().all(Option::is_none) {
        let why = refusal(with[0].0, with[0].1, index + 1);
        write_refusal(text, function, index + 1, &why);
        return Ok(Some(why));
    }
    write_head(text, function, index + 1, "");
    let _ = writeln!(text, "  if (len != sizeof({ctype})) return -1;");
    let all_same = with.len() == sites.len() && fetches.windows(2).all(|two| two[0] == two[1]);
    if let (true, Some(fetch)) = (all_same, &fetches[0]) {
        let _ = writeln!(text, "  {fetch}\n  return 0;\n}}");
        return Ok(None);
    }
    let (selector, labels) = labels(sites)?;
    let _ = writeln!(text, "  switch ({selector}) {{");
    for ((site, _), fetch) in with.iter().zip(&fetches) {
        let Some(fetch) = fetch else { continue };
        let place = sites.iter().position(|other| std::ptr::eq(other, *site));
        for label in place.map(|place| labels[place].as_slice()).unwrap_or_default() {
            let _ = write!(text, "  case {label:#x}ULL:");
        }
        let _ = writeln!(text, " {fetch} return 0;");
    }
    let _ = writeln!(text, "  }}\n  return -1;\n}}");
    Ok(None)
}

/// Why an argument cannot be read, fit for a C string.
fn refusal(site: &Site<'_>, argument: &Argument, n: usize) -> String {
    let is_vector = matches!(&argument.operand,
        Operand::Register(name) if is_vector(name, site.probe.machine));
    let place = if is_vector { "a vector register: nowhere" } else { "nowhere" };
    let name = site.probe.full_name();
    let text =
        format!("argument {n} of probe {name} is {argument}, {place} that BPF programs can read");
    // Names and operands come from a file.
    text.chars()
        .map(|c| if matches!(c, ' '..='~') && !matches!(c, '"' | '\\') { c } else { '?' })
        .collect()
}

/// What tells the places apart: the offset in their page where that suffices (it is the same in
/// every process), else the whole address.
fn labels(sites: &[Site<'_>]) -> Result<(String, Vec<Vec<u64>>), UsdtError> {
    let page = bcc_sys::mmap::page_size() as u64;
    let in_page: Vec<Vec<u64>> =
        sites.iter().map(|site| vec![site.location.offset % page]).collect();
    if are_distinct(&in_page) {
        return Ok((format!("PT_REGS_IP(ctx) % {page:#x}ULL"), in_page));
    }
    let whole: Vec<Vec<u64>> = sites.iter().map(|site| site.addresses.clone()).collect();
    match sites.iter().find(|site| site.addresses.is_empty()) {
        None if are_distinct(&whole) => Ok(("PT_REGS_IP(ctx)".to_owned(), whole)),
        unknown => {
            let site = unknown.or(sites.first());
            Err(UsdtError::NeedsPid(site.map(|site| site.probe.full_name()).unwrap_or_default()))
        }
    }
}

fn are_distinct(labels: &[Vec<u64>]) -> bool {
    let mut all: Vec<u64> = labels.iter().flatten().copied().collect();
    let count = all.len();
    all.sort_unstable();
    all.dedup();
    all.len() == count
}

/// Statements that put the argument into `*dest`; `None` when it is where programs cannot look.
fn fetch(site: &Site<'_>, argument: &Argument, ctype: &str) -> Result<Option<String>, UsdtError> {
    const BARRIER: &str = "__asm__ __volatile__(\"\": : :\"memory\");";
    let own = argument.ctype();
    Ok(match &argument.operand {
        Operand::Constant(value) => {
            let value = format!("({own}){:#x}ULL", value.cast_unsigned());
            Some(format!("*(({ctype} *)dest) = {value};"))
        }
        Operand::Register(name) => register(name, site.probe.machine)?
            .map(|register| format!("*(({ctype} *)dest) = ({own}){register}; {BARRIER}")),
        Operand::Address { symbol, offset } => symbol_address(site, symbol, *offset)
            .map(|address| format!("*(({ctype} *)dest) = ({own})({address});")),
        Operand::Memory { .. } => memory_address(site, &argument.operand)?.map(|address| {
            format!(
                "{{ u64 __addr = {address}; {BARRIER} {own} __res = 0; \
                 bpf_probe_read_user(&__res, sizeof(__res), (void *)__addr); \
                 *(({ctype} *)dest) = __res; }}"
            )
        }),
        Operand::Unknown(_) => None,
    })
}

/// The expression for the address of an operand in memory.
fn memory_address(site: &Site<'_>, operand: &Operand) -> Result<Option<String>, UsdtError> {
    let machine = site.probe.machine;
    let Operand::Memory { base, index, part, offset, symbol } = operand else { return Ok(None) };
    let from_base = match base.as_deref() {
        Some("rip") | None => None,
        Some(base) => match register(base, machine)? {
            Some(base) => Some(base),
            None => return Ok(None),
        },
    };
    let address = match (symbol, from_base) {
        // The page is in the base.
        (Some(symbol), Some(base)) if machine == EM_AARCH64 => value_of(site, symbol)
            .map(|value| format!("{base} + {:#x}ULL", value.wrapping_add_signed(*offset) & 0xfff)),
        (Some(symbol), None) => symbol_address(site, symbol, *offset),
        (Some(symbol), Some(base)) => {
            symbol_address(site, symbol, *offset).map(|address| format!("{address} + {base}"))
        }
        (None, Some(base)) => Some(format!("{base} + ({offset}LL)")),
        (None, None) if base.is_some() => Some(format!("ctx->ip + ({offset}LL)")),
        (None, None) => Some(format!("({offset}LL)")),
    };
    let (Some(address), Some((scaled, scale))) = (&address, index) else { return Ok(address) };
    let part = match part {
        IndexPart::Whole => "",
        IndexPart::SignedHalf => "(s64)(s32)",
        IndexPart::UnsignedHalf => "(u64)(u32)",
    };
    let scaled = register(scaled, machine)?;
    Ok(scaled.map(|scaled| format!("{address} + {part}{scaled} * {scale}")))
}

/// A symbol's address in whichever process hit the probe: as far from the probe as in the file.
fn symbol_address(site: &Site<'_>, symbol: &str, offset: i64) -> Option<String> {
    let target = value_of(site, symbol)?.wrapping_add_signed(offset);
    let distance = target.wrapping_sub(site.location.address).cast_signed();
    Some(format!("PT_REGS_IP(ctx) + ({distance}LL)"))
}

/// A symbol's virtual address for its file.
fn value_of(site: &Site<'_>, symbol: &str) -> Option<u64> {
    site.location.symbols.iter().find(|(name, _)| name == symbol).map(|(_, value)| *value)
}

fn is_vector(name: &str, machine: u16) -> bool {
    let prefixes: &[&str] = match machine {
        EM_X86_64 => &["xmm", "ymm", "zmm"],
        EM_AARCH64 => &["q", "v", "d", "s", "h", "b"],
        _ => &[],
    };
    prefixes.iter().any(|prefix| {
        name.strip_prefix(prefix)
            .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()))
    })
}

/// The expression for a register, without its lower bits cut out (the type's cast does that).
fn register(name: &str, machine: u16) -> Result<Option<String>, UsdtError> {
    match machine {
        EM_X86_64 => Ok(x86_register(name)),
        EM_AARCH64 => Ok(arm64_register(name)),
        other => Err(UsdtError::Machine(other)),
    }
}

fn x86_register(name: &str) -> Option<String> {
    const HIGH: [&str; 4] = ["ah", "bh", "ch", "dh"];
    if HIGH.contains(&name) {
        return Some(format!("(ctx->{}x >> 8)", &name[..1]));
    }
    // rax eax ax al
    for letter in ["a", "b", "c", "d"] {
        let names = [
            format!("r{letter}x"),
            format!("e{letter}x"),
            format!("{letter}x"),
            format!("{letter}l"),
        ];
        if names.iter().any(|known| known == name) {
            return Some(format!("ctx->{letter}x"));
        }
    }
    // rsi esi si sil
    for short in ["si", "di", "bp", "sp"] {
        let known = name == short
            || name == format!("{short}l")
            || name.strip_prefix(['r', 'e']).is_some_and(|rest| rest == short);
        if known {
            return Some(format!("ctx->{short}"));
        }
    }
    if matches!(name, "rip" | "eip") {
        return Some("ctx->ip".to_owned());
    }
    let number = name.strip_prefix('r')?.trim_end_matches(['d', 'w', 'b']);
    let number: u8 = number.parse().ok().filter(|number| (8..=15).contains(number))?;
    Some(format!("ctx->r{number}"))
}

fn arm64_register(name: &str) -> Option<String> {
    if matches!(name, "sp" | "wsp") {
        return Some("ctx->sp".to_owned());
    }
    if matches!(name, "xzr" | "wzr") {
        return Some("0ULL".to_owned());
    }
    let number: u8 = name.strip_prefix(['x', 'w'])?.parse().ok().filter(|&number| number <= 30)?;
    Some(format!("ctx->regs[{number}]"))
}

#[cfg(test)]
#[path = "reader_tests.rs"]
mod tests;
