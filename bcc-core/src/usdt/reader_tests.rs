//! Reader texts of hand-made probes.

use super::*;
use crate::usdt::operand::parse_arguments;

fn location(offset: u64, arguments: &str) -> Location {
    Location {
        address: offset + 0x1000,
        offset,
        arguments: parse_arguments(arguments, EM_X86_64),
        symbols: vec![("global".to_owned(), 0x9000)],
    }
}

fn probe(is_fixed: bool, locations: Vec<Location>) -> Probe {
    Probe {
        provider: "p".to_owned(),
        name: "n".to_owned(),
        path: "/bin/x".into(),
        open_path: "/bin/x".into(),
        semaphore: 0,
        semaphore_offset: 0,
        locations,
        machine: EM_X86_64,
        is_fixed,
    }
}

fn reader(probe: &Probe, known: bool) -> Result<String, UsdtError> {
    let sites: Vec<Site<'_>> = probe
        .locations
        .iter()
        .map(|location| Site {
            probe,
            location,
            addresses: if known { vec![location.address] } else { Vec::new() },
        })
        .collect();
    let mut text = String::new();
    write_reader(&mut text, "f", 0, &sites).map(|_| text)
}

#[test]
fn registers_are_named_as_the_kernel_names_them() {
    for (name, field) in [
        ("rax", "ctx->ax"),
        ("bl", "ctx->bx"),
        ("ecx", "ctx->cx"),
        ("dh", "(ctx->dx >> 8)"),
        ("rsi", "ctx->si"),
        ("dil", "ctx->di"),
        ("ebp", "ctx->bp"),
        ("r8", "ctx->r8"),
        ("r15b", "ctx->r15"),
    ] {
        assert_eq!(x86_register(name).as_deref(), Some(field));
    }
    assert_eq!(arm64_register("w3").as_deref(), Some("ctx->regs[3]"));
    assert_eq!(arm64_register("sp").as_deref(), Some("ctx->sp"));
    for name in ["r7", "r16", "rx", "", "xmm0"] {
        assert_eq!(x86_register(name), None, "{name}");
    }
}

#[test]
fn one_place_needs_no_switch() {
    let text = reader(&probe(false, vec![location(0x10, "-4@-20(%rbp)")]), false).unwrap();
    assert!(text.contains("int _bpf_readarg_f_1(struct pt_regs *ctx, void *dest, size_t len)"));
    assert!(text.contains("if (len != sizeof(int32_t)) return -1;"));
    assert!(text.contains("u64 __addr = ctx->bp + (-20LL);"));
    assert!(text.contains("bpf_probe_read_user(&__res, sizeof(__res), (void *)__addr)"));
    assert!(!text.contains("switch"));
}

#[test]
fn places_are_told_apart_within_their_page() {
    let places = vec![location(0x10, "-4@%eax"), location(0x1020, "8@$5")];
    let text = reader(&probe(false, places), false).unwrap();
    assert!(text.contains("switch (PT_REGS_IP(ctx) % 0x1000ULL)"), "{text}");
    assert!(text.contains("case 0x10ULL: *((uint64_t *)dest) = (int32_t)ctx->ax;"), "{text}");
    assert!(text.contains("case 0x20ULL: *((uint64_t *)dest) = (uint64_t)0x5ULL;"), "{text}");
}

#[test]
fn places_of_one_page_offset_need_addresses() {
    let places = || vec![location(0x10, "-4@%eax"), location(0x1010, "-4@%ebx")];
    let error = reader(&probe(false, places()), false).unwrap_err();
    assert!(matches!(error, UsdtError::NeedsPid(_)));
    let text = reader(&probe(true, places()), true).unwrap();
    assert!(text.contains("switch (PT_REGS_IP(ctx)) {"), "{text}");
    assert!(text.contains("case 0x1010ULL:") && text.contains("case 0x2010ULL:"));
    let alike = vec![location(0x10, "-4@%eax"), location(0x1010, "-4@%eax")];
    assert!(!reader(&probe(false, alike), false).unwrap().contains("switch"));
}

#[test]
fn symbols_are_relative_to_the_probe() {
    let text = reader(&probe(false, vec![location(0x10, "8@global+8(%rip)")]), false).unwrap();
    assert!(text.contains("u64 __addr = PT_REGS_IP(ctx) + (32760LL);"), "{text}");
}

#[test]
fn what_no_program_can_read_is_refused_where_it_is_asked_for() {
    for (operand, why) in [
        ("8f@%xmm3", "argument 1 of probe p:n is 8f@%xmm3, a vector register: nowhere that BPF"),
        ("8@other(%rip)", "argument 1 of probe p:n is 8@other(%rip), nowhere that BPF"),
        ("8@\"\\%q", "argument 1 of probe p:n is 8@??%q, nowhere that BPF"),
    ] {
        let text = reader(&probe(false, vec![location(0x10, operand)]), false).unwrap();
        assert!(text.contains(&format!("__attribute__((unavailable(\"{why}")), "{text}");
    }
    // Elsewhere it may be in memory.
    let places = vec![location(0x10, "8f@%xmm3"), location(0x20, "8f@-8(%rbp)")];
    let text = reader(&probe(false, places), false).unwrap();
    assert!(!text.contains("unavailable") && !text.contains("case 0x10ULL"), "{text}");
    assert!(text.contains("case 0x20ULL: { u64 __addr = ctx->bp + (-8LL);"), "{text}");
}

#[test]
fn addresses_of_arm64_are_put_together() {
    let text = |operand: &str| {
        let mut place = location(0x10, "");
        place.arguments = parse_arguments(operand, EM_AARCH64);
        let probe = Probe { machine: EM_AARCH64, ..probe(false, vec![place]) };
        reader(&probe, false).unwrap()
    };
    assert!(text("-4@[x29, -20]").contains("u64 __addr = ctx->regs[29] + (-20LL);"));
    let indexed = "u64 __addr = ctx->regs[0] + (0LL) + ctx->regs[1] * 8;";
    assert!(text("8@[x0, x1, lsl 3]").contains(indexed));
    assert!(text("-4@[sp, w3, sxtw 2]").contains("ctx->sp + (0LL) + (s64)(s32)ctx->regs[3] * 4;"));
    assert!(text("-4@[sp, w3, uxtw]").contains("(u64)(u32)ctx->regs[3] * 1;"));
    // `global` is at 0x9000.
    assert!(text("8@[x1, #:lo12:global+24]").contains("u64 __addr = ctx->regs[1] + 0x18ULL;"));
    assert!(text("4@wzr").contains("(uint32_t)0ULL;"));
    assert!(text("-2@w7").contains("(int16_t)ctx->regs[7];"));
}

#[test]
fn symbols_may_have_a_base_in_fixed_programs() {
    let text = reader(&probe(true, vec![location(0x10, "-4@global(%rax)")]), false).unwrap();
    assert!(text.contains("u64 __addr = PT_REGS_IP(ctx) + (32752LL) + ctx->ax;"), "{text}");
}
