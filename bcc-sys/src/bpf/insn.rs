//! Instructions: the eight bytes, the opcode's parts, and constructors for hand-written programs.

/// One instruction (`struct bpf_insn`).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Insn {
    /// Opcode.
    pub code: u8,
    /// Destination register in the low four bits, source register in the high four.
    pub regs: u8,
    /// Jump distance or memory offset.
    pub off: i16,
    /// Immediate.
    pub imm: i32,
}

/// Opcode classes and parts (`BPF_*`).
pub mod op {
    /// Non-standard loads.
    pub const LD: u8 = 0x00;
    /// Loads to a register.
    pub const LDX: u8 = 0x01;
    /// Stores of an immediate.
    pub const ST: u8 = 0x02;
    /// Stores of a register.
    pub const STX: u8 = 0x03;
    /// 32-bit arithmetic.
    pub const ALU: u8 = 0x04;
    /// 64-bit jumps.
    pub const JMP: u8 = 0x05;
    /// 32-bit jumps.
    pub const JMP32: u8 = 0x06;
    /// 64-bit arithmetic.
    pub const ALU64: u8 = 0x07;
    /// Four bytes.
    pub const W: u8 = 0x00;
    /// Two bytes.
    pub const H: u8 = 0x08;
    /// One byte.
    pub const B: u8 = 0x10;
    /// Eight bytes.
    pub const DW: u8 = 0x18;
    /// Memory access.
    pub const MEM: u8 = 0x60;
    /// Atomic access.
    pub const ATOMIC: u8 = 0xc0;
    /// The operand is the immediate.
    pub const K: u8 = 0x00;
    /// The operand is the source register.
    pub const X: u8 = 0x08;
}

/// Values of the source register field that change the meaning of `imm`.
pub mod pseudo {
    /// `ld_imm64` of a map's descriptor.
    pub const MAP_FD: u8 = 1;
    /// `ld_imm64` of an address in a map's value; the offset is in the second half.
    pub const MAP_VALUE: u8 = 2;
    /// `ld_imm64` of a kernel variable by BTF id.
    pub const BTF_ID: u8 = 3;
    /// `ld_imm64` of a function's address.
    pub const FUNC: u8 = 4;
    /// Call of another function of the program.
    pub const CALL: u8 = 1;
    /// Call of a kernel function by BTF id.
    pub const KFUNC_CALL: u8 = 2;
}

impl Insn {
    /// Bytes per instruction.
    pub const SIZE: usize = 8;
    /// `ld_imm64`, the one instruction of sixteen bytes.
    pub const LD_IMM64: u8 = op::LD | op::DW;
    /// Helper, local function or kernel function call.
    pub const CALL: u8 = op::JMP | 0x80;
    /// End of a function.
    pub const EXIT: u8 = op::JMP | 0x90;

    /// Any instruction.
    pub const fn new(code: u8, dst: u8, src: u8, off: i16, imm: i32) -> Self {
        Self { code, regs: (dst & 0xf) | (src << 4), off, imm }
    }

    /// Destination register.
    pub const fn dst(self) -> u8 {
        self.regs & 0xf
    }

    /// Source register.
    pub const fn src(self) -> u8 {
        self.regs >> 4
    }

    /// The same instruction with another source register.
    #[must_use]
    pub const fn with_src(mut self, src: u8) -> Self {
        self.regs = (self.regs & 0xf) | (src << 4);
        self
    }

    /// `dst = imm`, sign-extended.
    pub const fn mov_imm(dst: u8, imm: i32) -> Self {
        Self::new(op::ALU64 | 0xb0 | op::K, dst, 0, 0, imm)
    }

    /// `dst = src`.
    pub const fn mov_reg(dst: u8, src: u8) -> Self {
        Self::new(op::ALU64 | 0xb0 | op::X, dst, src, 0, 0)
    }

    /// `dst += imm`.
    pub const fn add_imm(dst: u8, imm: i32) -> Self {
        Self::new(op::ALU64 | op::K, dst, 0, 0, imm)
    }

    /// `dst = *(size *)(src + off)`; `size` is one of [`op`]'s.
    pub const fn load(size: u8, dst: u8, src: u8, off: i16) -> Self {
        Self::new(op::LDX | op::MEM | size, dst, src, off, 0)
    }

    /// `*(size *)(dst + off) = src`.
    pub const fn store(size: u8, dst: u8, src: u8, off: i16) -> Self {
        Self::new(op::STX | op::MEM | size, dst, src, off, 0)
    }

    /// `*(size *)(dst + off) = imm`.
    pub const fn store_imm(size: u8, dst: u8, off: i16, imm: i32) -> Self {
        Self::new(op::ST | op::MEM | size, dst, 0, off, imm)
    }

    /// `if dst CONDITION imm goto +off`; `condition` is the opcode's high half (0x10 is `==`).
    pub const fn jump_imm(condition: u8, dst: u8, imm: i32, off: i16) -> Self {
        Self::new(op::JMP | condition | op::K, dst, 0, off, imm)
    }

    /// Call of a helper by id.
    pub const fn call(helper: i32) -> Self {
        Self::new(Self::CALL, 0, 0, 0, helper)
    }

    /// Return r0.
    pub const fn exit() -> Self {
        Self::new(Self::EXIT, 0, 0, 0, 0)
    }

    /// `dst = value` of 64 bits, or what `src` makes of it (see [`pseudo`]).
    pub const fn ld_imm64(dst: u8, src: u8, value: u64) -> [Self; 2] {
        let low = (value & 0xffff_ffff) as u32;
        let high = (value >> 32) as u32;
        [
            Self::new(Self::LD_IMM64, dst, src, 0, low.cast_signed()),
            Self::new(0, 0, 0, 0, high.cast_signed()),
        ]
    }

    /// `dst = the map of descriptor fd`.
    pub const fn ld_map_fd(dst: u8, fd: i32) -> [Self; 2] {
        [Self::new(Self::LD_IMM64, dst, pseudo::MAP_FD, 0, fd), Self::new(0, 0, 0, 0, 0)]
    }

    /// As the kernel reads it, in the host's byte order.
    pub const fn to_bytes(self) -> [u8; Self::SIZE] {
        let off = self.off.to_ne_bytes();
        let imm = self.imm.to_ne_bytes();
        [self.code, self.regs, off[0], off[1], imm[0], imm[1], imm[2], imm[3]]
    }

    /// From eight bytes of the host's byte order.
    pub const fn from_bytes(b: [u8; Self::SIZE]) -> Self {
        Self {
            code: b[0],
            regs: b[1],
            off: i16::from_ne_bytes([b[2], b[3]]),
            imm: i32::from_ne_bytes([b[4], b[5], b[6], b[7]]),
        }
    }
}

const _: () = assert!(size_of::<Insn>() == Insn::SIZE);

/// Instructions as bytes.
pub fn to_bytes(insns: &[Insn]) -> Vec<u8> {
    insns.iter().flat_map(|insn| insn.to_bytes()).collect()
}

/// Bytes as instructions; a rest shorter than one instruction is left out.
pub fn from_bytes(bytes: &[u8]) -> Vec<Insn> {
    bytes.as_chunks().0.iter().map(|chunk| Insn::from_bytes(*chunk)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opcodes_match_the_instruction_set_document() {
        assert_eq!(Insn::mov_imm(0, 1).code, 0xb7);
        assert_eq!(Insn::mov_reg(6, 1).code, 0xbf);
        assert_eq!(Insn::exit().code, 0x95);
        assert_eq!(Insn::call(1).code, 0x85);
        assert_eq!(Insn::LD_IMM64, 0x18);
        assert_eq!(Insn::store(op::DW, 10, 1, -8).code, 0x7b);
        assert_eq!(Insn::load(op::W, 1, 1, 0).code, 0x61);
        assert_eq!(Insn::jump_imm(0x10, 0, 0, 1).code, 0x15);
    }

    proptest::proptest! {
        #[test]
        fn any_eight_bytes_round_trip(bytes: [u8; 8]) {
            let insn = Insn::from_bytes(bytes);
            proptest::prop_assert_eq!(insn.to_bytes(), bytes);
            proptest::prop_assert_eq!(insn.with_src(insn.src()), insn);
        }
    }
}
