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

/// Readers for all enabled probes of all contexts. A handler may serve several probes, also of
/// several files and processes.
///
/// # Errors
/// [`UsdtError::NeedsPid`], [`UsdtError::Operand`], [`UsdtError::Machine`].
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
    let mut text = String::new();
    for (function, sites) in &by_function {
        let count = sites.iter().map(|site| site.location.arguments.len()).max().unwrap_or(0);
        for index in 0..count {
            write_reader(&mut text, function, index, sites)?;
        }
    }
    write_any(&mut text, contexts, &by_function);
    Ok(text)
}

/// Readers that find out by the probe's place which handler's readers are meant. Where places can't
/// be told apart there are none, and only calls in handlers compile.
fn write_any<'a>(
    text: &mut String,
    contexts: &[&'a Usdt],
    by_function: &BTreeMap<&str, Vec<Site<'a>>>,
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
        let _ = writeln!(
            text,
            "static __always_inline int _bpf_readarg__any_{n}(struct pt_regs *ctx, void *dest, \
             size_t len) {{"
        );
        if let (1, Some(function)) = (by_function.len(), by_function.keys().next()) {
            let _ = writeln!(text, "  return _bpf_readarg_{function}_{n}(ctx, dest, len);\n}}");
            continue;
        }
        let _ = writeln!(text, "  switch ({selector}) {{");
        for (site, labels) in sites.iter().zip(&labels).filter(|(site, _)| arguments(site) >= n) {
            let Some(function) = handler(site) else { continue };
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

fn write_reader(
    text: &mut String,
    function: &str,
    index: usize,
    sites: &[Site<'_>],
) -> Result<(), UsdtError> {
    let with: Vec<(&Site<'_>, &Argument)> =
        sites.iter().filter_map(|site| Some((site, site.location.arguments.get(index)?))).collect();
    let widest = with
        .iter()
        .map(|(_, argument)| *argument)
        .reduce(|widest, next| if next.size > widest.size { next } else { widest });
    let Some(widest) = widest else { return Ok(()) };
    let ctype = widest.ctype();
    let mut fetches = Vec::with_capacity(with.len());
    for (site, argument) in &with {
        fetches.push(fetch(site, argument, index, ctype)?);
    }
    // Writing to a String cannot fail.
    let _ = writeln!(
        text,
        "static __always_inline int _bpf_readarg_{function}_{n}(struct pt_regs *ctx, void *dest, \
         size_t len) {{\n  if (len != sizeof({ctype})) return -1;",
        n = index + 1,
    );
    let all_same = with.len() == sites.len() && fetches.windows(2).all(|two| two[0] == two[1]);
    if all_same {
        let _ = writeln!(text, "  {}\n  return 0;\n}}", fetches[0]);
        return Ok(());
    }
    let (selector, labels) = labels(sites)?;
    let _ = writeln!(text, "  switch ({selector}) {{");
    for ((site, _), fetch) in with.iter().zip(&fetches) {
        let place = sites.iter().position(|other| std::ptr::eq(other, *site));
        for label in place.map(|place| labels[place].as_slice()).unwrap_or_default() {
            let _ = write!(text, "  case {label:#x}ULL:");
        }
        let _ = writeln!(text, " {fetch} return 0;");
    }
    let _ = writeln!(text, "  }}\n  return -1;\n}}");
    Ok(())
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

/// Statements that put the argument into `*dest`.
fn fetch(
    site: &Site<'_>,
    argument: &Argument,
    index: usize,
    ctype: &str,
) -> Result<String, UsdtError> {
    let refuse = || UsdtError::Operand {
        probe: site.probe.full_name(),
        index: index + 1,
        operand: argument.to_string(),
    };
    let machine = site.probe.machine;
    let own = argument.ctype();
    const BARRIER: &str = "__asm__ __volatile__(\"\": : :\"memory\");";
    match &argument.operand {
        Operand::Constant(value) => {
            let value = format!("({own}){:#x}ULL", value.cast_unsigned());
            Ok(format!("*(({ctype} *)dest) = {value};"))
        }
        // Vector registers are not among what a probe sees.
        Operand::Register(name) if is_vector(name, machine) => {
            Ok(format!("*(({ctype} *)dest) = 0;"))
        }
        Operand::Register(name) => {
            let register = register(name, machine)?.ok_or_else(refuse)?;
            Ok(format!("*(({ctype} *)dest) = ({own}){register}; {BARRIER}"))
        }
        Operand::Address { symbol, offset } => {
            let address = symbol_address(site, symbol, *offset).ok_or_else(refuse)?;
            Ok(format!("*(({ctype} *)dest) = ({own})({address});"))
        }
        Operand::Memory { base, index: scaled, part, offset, symbol } => {
            let mut address = match (symbol, base.as_deref()) {
                // The page is in the base.
                (Some(symbol), Some(base)) if machine == EM_AARCH64 => {
                    let base = register(base, machine)?.ok_or_else(refuse)?;
                    let target = value_of(site, symbol).ok_or_else(refuse)?;
                    format!("{base} + {:#x}ULL", target.wrapping_add_signed(*offset) & 0xfff)
                }
                (Some(symbol), None | Some("rip")) => {
                    symbol_address(site, symbol, *offset).ok_or_else(refuse)?
                }
                (Some(symbol), Some(base)) => {
                    let base = register(base, machine)?.ok_or_else(refuse)?;
                    let address = symbol_address(site, symbol, *offset).ok_or_else(refuse)?;
                    format!("{address} + {base}")
                }
                (None, Some(base)) => {
                    let base = register(base, machine)?.ok_or_else(refuse)?;
                    format!("{base} + ({offset}LL)")
                }
                (None, None) => format!("({offset}LL)"),
            };
            if let Some((scaled, scale)) = scaled {
                let scaled = register(scaled, machine)?.ok_or_else(refuse)?;
                let part = match part {
                    IndexPart::Whole => "",
                    IndexPart::SignedHalf => "(s64)(s32)",
                    IndexPart::UnsignedHalf => "(u64)(u32)",
                };
                let _ = write!(address, " + {part}{scaled} * {scale}");
            }
            Ok(format!(
                "{{ u64 __addr = {address}; {BARRIER} {own} __res = 0; \
                 bpf_probe_read_user(&__res, sizeof(__res), (void *)__addr); \
                 *(({ctype} *)dest) = __res; }}"
            ))
        }
        Operand::Unknown(_) => Err(refuse()),
    }
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
