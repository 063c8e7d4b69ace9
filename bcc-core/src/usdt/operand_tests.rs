//! Operand forms as assemblers write them.

use super::*;
use goblin::elf::header::{EM_AARCH64, EM_PPC64, EM_RISCV, EM_S390, EM_X86_64};
use proptest::prelude::*;

fn one(text: &str, machine: u16) -> Argument {
    let mut all = parse_arguments(text, machine);
    assert_eq!(all.len(), 1, "{text}");
    all.remove(0)
}

fn memory(
    base: Option<&str>,
    index: Option<(&str, u8)>,
    offset: i64,
    symbol: Option<&str>,
) -> Operand {
    Operand::Memory {
        base: base.map(str::to_owned),
        index: index.map(|(name, scale)| (name.to_owned(), scale)),
        part: IndexPart::Whole,
        offset,
        symbol: symbol.map(str::to_owned),
    }
}

fn register(name: &str) -> Operand {
    Operand::Register(name.to_owned())
}

#[test]
fn x86_forms() {
    let cases = [
        ("-4@$0", -4, Operand::Constant(0)),
        ("8@$1234", 8, Operand::Constant(1234)),
        ("-8@$-5", -8, Operand::Constant(-5)),
        ("8@$18446744073709551615", 8, Operand::Constant(-1)),
        ("8@%rdi", 8, register("rdi")),
        ("-1@%al", -1, register("al")),
        ("8@%r8d", 8, register("r8d")),
        ("8f@%xmm1", 8, register("xmm1")),
        ("-8@%rbp", -8, register("rbp")),
        ("-4@(%rdx)", -4, memory(Some("rdx"), None, 0, None)),
        ("-4@-20(%rbp)", -4, memory(Some("rbp"), None, -20, None)),
        ("8@(%rax,%rdx,8)", 8, memory(Some("rax"), Some(("rdx", 8)), 0, None)),
        ("2@24(%rax,%rsi)", 2, memory(Some("rax"), Some(("rsi", 1)), 24, None)),
        ("4@16(,%rsi,4)", 4, memory(None, Some(("rsi", 4)), 16, None)),
        ("-4@global(%rip)", -4, memory(Some("rip"), None, 0, Some("global"))),
        ("-4@global+8(%rip)", -4, memory(Some("rip"), None, 8, Some("global"))),
        ("8@8+.LC1(%rip)", 8, memory(Some("rip"), None, 8, Some(".LC1"))),
        ("8@$sym+4", 8, Operand::Address { symbol: "sym".to_owned(), offset: 4 }),
    ];
    for (text, size, operand) in cases {
        let argument = one(text, EM_X86_64);
        let signed_size = i32::from(argument.size) * if argument.signed { -1 } else { 1 };
        assert_eq!((signed_size, &argument.operand), (size, &operand), "{text}");
        assert_eq!(argument.float, text.contains('f') && text.contains("xmm"));
    }
}

#[test]
fn arm64_forms() {
    let cases = [
        ("-4@5", Operand::Constant(5)),
        ("8@x19", register("x19")),
        ("4@w0", register("w0")),
        ("8@sp", register("sp")),
        ("-4@[sp]", memory(Some("sp"), None, 0, None)),
        ("-4@[x29, -20]", memory(Some("x29"), None, -20, None)),
        ("8@[x0,16]", memory(Some("x0"), None, 16, None)),
        ("8@[x0,x1,lsl 3]", memory(Some("x0"), Some(("x1", 8)), 0, None)),
        ("8@[x0, x1, lsl #3]", memory(Some("x0"), Some(("x1", 8)), 0, None)),
        ("8@[x0, x1]", memory(Some("x0"), Some(("x1", 1)), 0, None)),
        ("-8@-77", Operand::Constant(-77)),
        ("4@#12", Operand::Constant(12)),
        ("4@wzr", register("wzr")),
        ("8@[x0, #:lo12:global]", memory(Some("x0"), None, 0, Some("global"))),
        ("-4@[x2, :lo12:global+8]", memory(Some("x2"), None, 8, Some("global"))),
        ("8@[x0, -256]", memory(Some("x0"), None, -256, None)),
    ];
    for (text, operand) in cases {
        assert_eq!(one(text, EM_AARCH64).operand, operand, "{text}");
    }
    assert_eq!(parse_arguments("-4@[sp, 12] 8@x0 -8@-3", EM_AARCH64).len(), 3);
    for (text, wanted, times) in [
        ("-4@[x0, w1, sxtw 2]", IndexPart::SignedHalf, 4),
        ("-4@[x0,w1,uxtw #3]", IndexPart::UnsignedHalf, 8),
        ("-1@[x0, w1, sxtw]", IndexPart::SignedHalf, 1),
    ] {
        let Operand::Memory { index, part, .. } = one(text, EM_AARCH64).operand else { panic!() };
        assert_eq!((index, part), (Some(("w1".to_owned(), times)), wanted), "{text}");
    }
    for text in ["8@[x0, x1, ror 3]", "8@[x0, x1, lsl 200]", "8@[x0, :lo12:]", "8@[]"] {
        assert!(matches!(one(text, EM_AARCH64).operand, Operand::Unknown(_)), "{text}");
    }
}

#[test]
fn other_machines_parse() {
    assert_eq!(one("8@%r2", EM_S390).operand, register("r2"));
    assert_eq!(one("-4@164(%r15)", EM_S390).operand, memory(Some("r15"), None, 164, None));
    assert_eq!(one("-8@a0", EM_RISCV).operand, register("a0"));
    assert_eq!(one("-4@-20(s0)", EM_RISCV).operand, memory(Some("s0"), None, -20, None));
    assert_eq!(one("-4@8(31)", EM_PPC64).operand, memory(Some("31"), None, 8, None));
}

#[test]
fn what_is_not_understood_keeps_its_place() {
    let all = parse_arguments("-4@%eax 8@%fs:(%rax) 3@%rax 8@%rdi", EM_X86_64);
    assert_eq!(all.len(), 4);
    assert!(matches!(all[1].operand, Operand::Unknown(_)));
    assert!(matches!(all[2].operand, Operand::Unknown(_)));
    assert_eq!(all[3].operand, register("rdi"));
    for text in ["8@", "8@()", "8@(%rax,%rbx,3)", "8@(%rax", "8@$", "8@%", "8@1+2(%rip)"] {
        assert!(matches!(one(text, EM_X86_64).operand, Operand::Unknown(_)), "{text}");
    }
    assert!(parse_arguments("", EM_X86_64).is_empty());
}

#[test]
fn types_and_texts() {
    assert_eq!(one("-2@%ax", EM_X86_64).ctype(), "int16_t");
    assert_eq!(one("8@%rax", EM_X86_64).ctype(), "uint64_t");
    assert_eq!(one("-4@-8(%rbp,%rax,4)", EM_X86_64).to_string(), "-4@-8(%rbp,%rax,4)");
    assert_eq!(one("8@sym+8(%rip)", EM_X86_64).to_string(), "8@sym+8(%rip)");
}

proptest! {
    #[test]
    fn nothing_panics(text in ".{0,60}", machine in prop::sample::select(vec![EM_X86_64, EM_AARCH64, EM_RISCV])) {
        for argument in parse_arguments(&text, machine) {
            prop_assert!(!argument.ctype().is_empty());
            drop(argument.to_string());
        }
    }

    #[test]
    fn likely_text_never_panics(text in "[-0-9@$%()\\[\\],+.a-z_ ]{0,40}", machine in prop::sample::select(vec![EM_X86_64, EM_AARCH64, EM_RISCV])) {
        parse_arguments(&text, machine);
    }
}
