//! Instructions at a function's start that the kernel can't step over.
//!
//! Uprobes of x86-64 take the opcode of a VEX or EVEX instruction for that of an old one with the same
//! number: `vmovd` is refused, but `vpcmpeqb` (0x74) is run as a jump, so that the probed program goes
//! on without it and computes nonsense (seen on 6.18). glibc's AVX2 and AVX-512 functions begin so. These
//! instructions touch neither the arguments' registers nor the stack: a probe at the next other
//! instruction sees the same entry.

/// How many bytes at the start of `code` are vector instructions.
pub(super) fn leading(code: &[u8]) -> usize {
    let mut skipped = 0;
    while let Some(len) = code.get(skipped..).and_then(length) {
        skipped += len;
    }
    skipped
}

/// Length of the VEX or EVEX instruction that `code` starts with.
fn length(code: &[u8]) -> Option<usize> {
    // In 64-bit mode these first bytes mean nothing else.
    let (prefix, map) = match code {
        [0xc5, ..] => (2, 1),
        [0xc4, second, ..] => (3, second & 0x1f),
        [0x62, second, ..] => (4, second & 7),
        _ => return None,
    };
    let opcode = *code.get(prefix)?;
    // `vzeroupper` has no operands.
    if map == 1 && opcode == 0x77 {
        return Some(prefix + 1);
    }
    let operands = *code.get(prefix + 1)?;
    let (mode, register) = (operands >> 6, operands & 7);
    let mut len = prefix + 2;
    let mut base = register;
    if mode != 3 && register == 4 {
        base = code.get(len)? & 7;
        len += 1;
    }
    len += match mode {
        0 if base == 5 => 4,
        1 => 1,
        2 => 4,
        _ => 0,
    };
    let has_immediate = match map {
        1 => matches!(opcode, 0x70..=0x73 | 0xc2 | 0xc4..=0xc6),
        2 | 5 | 6 => false,
        3 => true,
        _ => return None,
    };
    len += usize::from(has_immediate);
    (len <= code.len()).then_some(len)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn instructions_have_the_lengths_an_assembler_gives_them() {
        for code in [
            &[0xc5, 0xf9, 0x6e, 0xc6][..],               // vmovd %esi,%xmm0
            &[0xc5, 0xf9, 0x74, 0xc0],                   // vpcmpeqb %xmm0,%xmm0,%xmm0
            &[0xc5, 0xfe, 0x6f, 0x06],                   // vmovdqu (%rsi),%ymm0
            &[0xc5, 0xfe, 0x6f, 0x44, 0x24, 0x20],       // vmovdqu 32(%rsp),%ymm0
            &[0xc5, 0xfe, 0x6f, 0x05, 1, 2, 3, 4],       // vmovdqu …(%rip),%ymm0
            &[0xc5, 0xfe, 0x6f, 0x86, 0, 1, 0, 0],       // vmovdqu 256(%rsi),%ymm0
            &[0xc5, 0xfe, 0x6f, 0x04, 0x85, 0, 1, 0, 0], // vmovdqu 256(,%rax,4),%ymm0
            &[0xc4, 0xe2, 0x7d, 0x78, 0xc0],             // vpbroadcastb %xmm0,%ymm0
            &[0xc4, 0xe3, 0x7d, 0x39, 0xc1, 0x01],       // vextracti128 $1,%ymm0,%xmm1
            &[0xc5, 0xf8, 0x77],                         // vzeroupper
            &[0xc5, 0xfd, 0x70, 0xc1, 0x1b],             // vpshufd $27,%ymm1,%ymm0
            &[0x62, 0xe2, 0x7d, 0x28, 0x7a, 0xc6],       // vpbroadcastb %esi,%ymm16
            &[0x62, 0xf3, 0x7d, 0x20, 0x3f, 0x07, 0x00], // vpcmpeqb (%rdi),%ymm16,%k0
        ] {
            assert_eq!(length(code), Some(code.len()), "{code:x?}");
            assert_eq!(length(&code[..code.len() - 1]), None, "{code:x?}");
        }
        // endbr64; push %rbp; mov %rdi,%rax
        for code in [&[0xf3, 0x0f, 0x1e, 0xfa][..], &[0x55], &[0x48, 0x89, 0xf8], &[]] {
            assert_eq!(leading(code), 0);
        }
        assert_eq!(leading(&[0xc5, 0xf9, 0x6e, 0xc6, 0xc5, 0xf8, 0x77, 0x55, 0xc5]), 7);
    }

    proptest! {
        #[test]
        fn any_bytes_are_counted(code: Vec<u8>) {
            assert!(leading(&code) <= code.len());
        }
    }
}
