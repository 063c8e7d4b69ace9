//! BPF instructions as text, one line each, in the layout of upstream's disassembler
//! (`spec/python-api` §8), for instruction sets v1 to v4.

use crate::program::helpers;
use bcc_sys::bpf::Insn;
use bcc_sys::bpf::insn::{self, op, pseudo};

/// Operators of arithmetic, by the opcode's high half.
const ALU: [&str; 14] =
    ["+", "-", "*", "/", "|", "&", "<<", ">>", "neg", "%", "^", "", "s>>", "end"];
const ALU_DIV: u8 = 3;
const ALU_NEG: u8 = 8;
const ALU_MOD: u8 = 9;
const ALU_MOV: u8 = 11;
const ALU_END: u8 = 13;

/// Conditions of jumps, by the opcode's high half; empty ones are no conditions.
const JUMP: [&str; 14] =
    ["", "==", ">", ">=", "&", "!=", "s>", "s>=", "", "", "<", "<=", "s<", "s<="];

/// A program's lines, without a header.
pub fn lines(insns: &[u8]) -> Vec<String> {
    let insns = insn::from_bytes(insns);
    let mut upper = false;
    let line = |(at, insn): (usize, &Insn)| {
        let text = if upper {
            format!("{at:4}:      (64-bit upper word)")
        } else {
            instruction(at, *insn, insns.get(at + 1).copied())
        };
        upper = !upper && insn.code == Insn::LD_IMM64;
        text
    };
    insns.iter().enumerate().map(line).collect()
}

/// A program with its header.
pub fn program(name: &str, insns: &[u8]) -> String {
    let mut text = format!("Disassemble of BPF program {name}:");
    for line in lines(insns) {
        text.push('\n');
        text.push_str(&line);
    }
    text
}

/// The line of the instruction at index `at`; `next` is the second half of a 16-byte one.
pub fn instruction(at: usize, insn: Insn, next: Option<Insn>) -> String {
    let text = text(at, insn, next).unwrap_or_else(|| {
        let Insn { off, imm, .. } = insn;
        format!("(unknown: dst {} src {} off {off} imm {imm:#x})", insn.dst(), insn.src())
    });
    format!("{at:4}: ({:02x}) {text}", insn.code)
}

fn text(at: usize, insn: Insn, next: Option<Insn>) -> Option<String> {
    match insn.code & 7 {
        op::LD => load_special(insn, next),
        op::LDX => load(insn),
        op::ST if insn.code & 0xe0 == op::MEM => {
            Some(format!("{} = {}", memory("u", insn, insn.dst())?, insn.imm))
        }
        op::STX => store(insn),
        op::ALU => alu32(insn),
        op::ALU64 => alu64(insn),
        op::JMP | op::JMP32 => jump(at, insn),
        _ => None,
    }
}

/// Bits of a memory access.
fn bits(code: u8) -> u8 {
    match code & 0x18 {
        op::W => 32,
        op::H => 16,
        op::B => 8,
        _ => 64,
    }
}

/// `*(u32*)(r1 +8)`.
fn memory(sign: &str, insn: Insn, register: u8) -> Option<String> {
    Some(format!("*({sign}{}*)(r{register} {:+})", bits(insn.code), insn.off))
}

fn load_special(insn: Insn, next: Option<Insn>) -> Option<String> {
    let (dst, imm) = (insn.dst(), insn.imm);
    if insn.code == Insn::LD_IMM64 {
        let high = next.map_or(0, |next| next.imm);
        return Some(match insn.src() {
            pseudo::MAP_FD => format!("r{dst} = <map at fd #{imm}>"),
            pseudo::MAP_VALUE => format!("r{dst} = <map at fd #{imm}>[0]+{high}"),
            pseudo::BTF_ID => format!("r{dst} = <kernel variable #{imm}>"),
            pseudo::FUNC => format!("r{dst} = <function at pc{imm:+}>"),
            5 => format!("r{dst} = <map at index {imm}>"),
            6 => format!("r{dst} = <map at index {imm}>[0]+{high}"),
            _ => {
                let value = u64::from(high.cast_unsigned()) << 32 | u64::from(imm.cast_unsigned());
                format!("r{dst} = {value:#x}")
            }
        });
    }
    match insn.code & 0xe0 {
        0x20 => Some(format!("r0 = *(u{}*)skb[{imm}]", bits(insn.code))),
        0x40 => Some(format!("r0 = *(u{}*)skb[r{} + {imm}]", bits(insn.code), insn.src())),
        _ => None,
    }
}

fn load(insn: Insn) -> Option<String> {
    let sign = match insn.code & 0xe0 {
        op::MEM => "u",
        0x80 => "s",
        _ => return None,
    };
    Some(format!("r{} = {}", insn.dst(), memory(sign, insn, insn.src())?))
}

fn store(insn: Insn) -> Option<String> {
    let place = memory("u", insn, insn.dst())?;
    let src = insn.src();
    match insn.code & 0xe0 {
        op::MEM => Some(format!("{place} = r{src}")),
        op::ATOMIC => {
            let address = place.trim_start_matches('*');
            Some(match insn.imm {
                0x00 => format!("lock {place} += r{src}"),
                0x40 => format!("lock {place} |= r{src}"),
                0x50 => format!("lock {place} &= r{src}"),
                0xa0 => format!("lock {place} ^= r{src}"),
                0x01 => format!("r{src} = atomic_fetch_add({address}, r{src})"),
                0x41 => format!("r{src} = atomic_fetch_or({address}, r{src})"),
                0x51 => format!("r{src} = atomic_fetch_and({address}, r{src})"),
                0xa1 => format!("r{src} = atomic_fetch_xor({address}, r{src})"),
                0xe1 => format!("r{src} = xchg({address}, r{src})"),
                0xf1 => format!("r0 = cmpxchg({address}, r0, r{src})"),
                0x100 => format!("r{} = load_acquire({})", insn.dst(), {
                    let from = memory("u", insn, src)?;
                    from.trim_start_matches('*').to_owned()
                }),
                0x110 => format!("store_release({address}, r{src})"),
                _ => return None,
            })
        }
        _ => None,
    }
}

/// Operator, signed where v4 says so through the offset.
fn operator(insn: Insn) -> Option<String> {
    let code = insn.code >> 4;
    let operator = ALU.get(usize::from(code))?;
    let signed = matches!(code, ALU_DIV | ALU_MOD) && insn.off == 1;
    Some(format!("{}{operator}", if signed { "s" } else { "" }))
}

/// Right-hand side: register, or immediate (in hex for `|`, `&` and `^`).
fn operand(insn: Insn) -> String {
    if insn.code & op::X != 0 {
        return format!("r{}", insn.src());
    }
    match insn.code >> 4 {
        4 | 5 | 10 => format!("{:#x}", insn.imm),
        _ => insn.imm.to_string(),
    }
}

fn alu64(insn: Insn) -> Option<String> {
    let (dst, src) = (insn.dst(), insn.src());
    Some(match insn.code >> 4 {
        ALU_MOV if insn.code & op::X != 0 => match insn.off {
            0 => format!("r{dst} = r{src}"),
            8 | 16 | 32 => format!("r{dst} = (s{}) r{src}", insn.off),
            1 => {
                let spaces = insn.imm.cast_unsigned();
                format!("r{dst} = addr_space_cast(r{src}, {}, {})", spaces >> 16, spaces & 0xffff)
            }
            _ => return None,
        },
        ALU_MOV => format!("r{dst} = {}", insn.imm),
        ALU_NEG => format!("r{dst} = -r{dst}"),
        ALU_END => format!("r{dst} = bswap{} r{dst}", insn.imm),
        _ => format!("r{dst} {}= {}", operator(insn)?, operand(insn)),
    })
}

fn alu32(insn: Insn) -> Option<String> {
    let dst = insn.dst();
    let right = operand(insn);
    let right = if insn.code & op::X != 0 { format!("(u32) {right}") } else { right };
    Some(match insn.code >> 4 {
        ALU_MOV if insn.code & op::X != 0 && insn.off != 0 => {
            format!("r{dst} = (u32) (s{}) r{}", insn.off, insn.src())
        }
        ALU_MOV if insn.code & op::X != 0 => format!("r{dst} = {right}"),
        ALU_MOV => format!("r{dst} = (u32) {right}"),
        ALU_NEG => format!("r{dst} = -(u32) r{dst}"),
        ALU_END => {
            let order = if insn.code & op::X != 0 { "be" } else { "le" };
            format!("r{dst} = {order}{} r{dst}", insn.imm)
        }
        _ => format!("r{dst} = (u32) r{dst} {} {right}", operator(insn)?),
    })
}

/// `pc+2 <7>`.
fn place(at: usize, distance: i32) -> String {
    let target = i64::try_from(at).unwrap_or(i64::MAX).saturating_add(i64::from(distance) + 1);
    format!("pc{distance:+} <{target}>")
}

fn jump(at: usize, insn: Insn) -> Option<String> {
    let narrow = insn.code & 7 == op::JMP32;
    match insn.code {
        0x05 => return Some(format!("goto {}", place(at, insn.off.into()))),
        0x06 => return Some(format!("gotol {}", place(at, insn.imm))),
        0x95 => return Some("exit".to_owned()),
        0x8d => return Some(format!("callx r{}", insn.dst())),
        Insn::CALL => return call(at, insn),
        0xe5 => return Some(format!("may_goto {}", place(at, insn.off.into()))),
        _ => {}
    }
    let condition = *JUMP.get(usize::from(insn.code >> 4))?;
    if condition.is_empty() {
        return None;
    }
    let width = if narrow { "(u32) " } else { "" };
    let right = if insn.code & op::X != 0 {
        format!("{width}r{}", insn.src())
    } else {
        insn.imm.to_string()
    };
    let target = place(at, insn.off.into());
    Some(format!("if {width}r{} {condition} {right} goto {target}", insn.dst()))
}

fn call(at: usize, insn: Insn) -> Option<String> {
    Some(match insn.src() {
        pseudo::CALL => format!("call {}", place(at, insn.imm)),
        pseudo::KFUNC_CALL => format!("call kfunc#{}", insn.imm),
        0 => match helpers::name(insn.imm.cast_unsigned()) {
            Some(name) => format!("call bpf_{name}#{}", insn.imm),
            None => format!("call unknown#{}", insn.imm),
        },
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Opcode, and its text with dst r3, src r4, off +5, imm 6, at index 1.
    const TABLE: &[(u8, &str)] = &[
        (0x04, "r3 = (u32) r3 + 6"),
        (0x05, "goto pc+5 <7>"),
        (0x06, "gotol pc+6 <8>"),
        (0x07, "r3 += 6"),
        (0x0c, "r3 = (u32) r3 + (u32) r4"),
        (0x0f, "r3 += r4"),
        (0x15, "if r3 == 6 goto pc+5 <7>"),
        (0x16, "if (u32) r3 == 6 goto pc+5 <7>"),
        (0x1d, "if r3 == r4 goto pc+5 <7>"),
        (0x1f, "r3 -= r4"),
        (0x20, "r0 = *(u32*)skb[6]"),
        (0x28, "r0 = *(u16*)skb[6]"),
        (0x30, "r0 = *(u8*)skb[6]"),
        (0x40, "r0 = *(u32*)skb[r4 + 6]"),
        (0x2d, "if r3 > r4 goto pc+5 <7>"),
        (0x2f, "r3 *= r4"),
        (0x37, "r3 /= 6"),
        (0x3d, "if r3 >= r4 goto pc+5 <7>"),
        (0x45, "if r3 & 6 goto pc+5 <7>"),
        (0x47, "r3 |= 0x6"),
        (0x55, "if r3 != 6 goto pc+5 <7>"),
        (0x57, "r3 &= 0x6"),
        (0x61, "r3 = *(u32*)(r4 +5)"),
        (0x69, "r3 = *(u16*)(r4 +5)"),
        (0x71, "r3 = *(u8*)(r4 +5)"),
        (0x79, "r3 = *(u64*)(r4 +5)"),
        (0x81, "r3 = *(s32*)(r4 +5)"),
        (0x62, "*(u32*)(r3 +5) = 6"),
        (0x6b, "*(u16*)(r3 +5) = r4"),
        (0x7b, "*(u64*)(r3 +5) = r4"),
        (0x65, "if r3 s> 6 goto pc+5 <7>"),
        (0x67, "r3 <<= 6"),
        (0x77, "r3 >>= 6"),
        (0x85, "call bpf_trace_printk#6"),
        (0x8d, "callx r3"),
        (0x87, "r3 = -r3"),
        (0x95, "exit"),
        (0x97, "r3 %= 6"),
        (0xa5, "if r3 < 6 goto pc+5 <7>"),
        (0xae, "if (u32) r3 < (u32) r4 goto pc+5 <7>"),
        (0xa7, "r3 ^= 0x6"),
        (0xb4, "r3 = (u32) 6"),
        (0xb7, "r3 = 6"),
        (0xc7, "r3 s>>= 6"),
        (0xd5, "if r3 s<= 6 goto pc+5 <7>"),
        (0xd4, "r3 = le6 r3"),
        (0xdc, "r3 = be6 r3"),
        (0xd7, "r3 = bswap6 r3"),
        (0xe5, "may_goto pc+5 <7>"),
    ];

    #[test]
    fn each_opcode_has_its_text() {
        for (code, expected) in TABLE {
            let insn = Insn::new(*code, 3, 4 * u8::from(*code != Insn::CALL), 5, 6);
            assert_eq!(instruction(1, insn, None), format!("   1: ({code:02x}) {expected}"));
        }
    }

    #[test]
    fn operations_that_the_immediate_or_offset_selects() {
        let atomic = |imm| Insn::new(0xdb, 3, 4, -8, imm);
        assert_eq!(text(0, atomic(0), None).unwrap(), "lock *(u64*)(r3 -8) += r4");
        assert_eq!(text(0, atomic(1), None).unwrap(), "r4 = atomic_fetch_add((u64*)(r3 -8), r4)");
        assert_eq!(text(0, atomic(0xf1), None).unwrap(), "r0 = cmpxchg((u64*)(r3 -8), r0, r4)");
        assert_eq!(text(0, Insn::mov_reg(1, 2), None).unwrap(), "r1 = r2");
        assert_eq!(text(0, Insn::new(0xbf, 1, 2, 16, 0), None).unwrap(), "r1 = (s16) r2");
        assert_eq!(text(0, Insn::new(0x3f, 1, 2, 1, 0), None).unwrap(), "r1 s/= r2");
    }

    #[test]
    fn sixteen_byte_loads_take_two_lines() {
        let insns = [
            &Insn::ld_map_fd(1, 3)[..],
            &Insn::ld_imm64(2, 0, 0x18_0000_0001),
            &[Insn::call(1), Insn::exit()],
        ]
        .concat();
        let expected = [
            "   0: (18) r1 = <map at fd #3>",
            "   1:      (64-bit upper word)",
            "   2: (18) r2 = 0x1800000001",
            "   3:      (64-bit upper word)",
            "   4: (85) call bpf_map_lookup_elem#1",
            "   5: (95) exit",
        ];
        assert_eq!(lines(&insn::to_bytes(&insns)), expected);
        assert!(program("f", &[]).starts_with("Disassemble of BPF program f:"));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_give_one_line_per_instruction(bytes: Vec<u8>) {
            proptest::prop_assert_eq!(lines(&bytes).len(), bytes.len() / 8);
        }
    }
}
