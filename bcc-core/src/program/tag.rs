//! Tags: the kernel's hash of a program's instructions, before it is loaded.

use bcc_sys::SysError;
use bcc_sys::bpf::call::{ProgLoad, prog_load};
use bcc_sys::bpf::insn::{from_bytes, to_bytes};
use bcc_sys::bpf::{Insn, ProgType, info};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use std::os::fd::AsFd;
use std::sync::OnceLock;

/// What the kernel hashes with: SHA-1 until 6.17, SHA-256 since.
type Hash = fn(&[u8]) -> [u8; 8];

/// The tag of a program of these instructions, whose map descriptors do not count.
///
/// # Errors
/// When the kernel does not load the two instructions that show how it hashes.
pub fn of_instructions(insns: &[u8]) -> Result<[u8; 8], SysError> {
    Ok(hash()?(&without_maps(insns)))
}

/// The first eight bytes of a digest.
fn first<D: Digest>(bytes: &[u8]) -> [u8; 8] {
    let mut tag = [0; 8];
    tag.copy_from_slice(&D::digest(bytes)[..8]);
    tag
}

/// The kernel's hash, as it treats a program that returns 0.
fn hash() -> Result<Hash, SysError> {
    static HASH: OnceLock<Hash> = OnceLock::new();
    if let Some(known) = HASH.get() {
        return Ok(*known);
    }
    let insns = to_bytes(&[Insn::mov_imm(0, 0), Insn::exit()]);
    let prog = ProgLoad {
        prog_type: ProgType::SOCKET_FILTER.0,
        insns: &insns,
        license: c"GPL",
        ..ProgLoad::default()
    };
    let tag = info::prog_info(prog_load(&prog, 0, None)?.as_fd())?.tag;
    let found: Hash = if tag == first::<Sha1>(&insns) { first::<Sha1> } else { first::<Sha256> };
    Ok(*HASH.get_or_init(|| found))
}

/// The instructions with 0 for every map.
fn without_maps(insns: &[u8]) -> Vec<u8> {
    /// `ld_imm64` whose source register says that the constant is a map's.
    const LD_IMM64: u8 = 0x18;
    const MAP_FD: u8 = 1;
    const MAP_VALUE: u8 = 2;
    let mut all = from_bytes(insns);
    for at in 0..all.len() {
        if all[at].code == LD_IMM64 && matches!(all[at].regs >> 4, MAP_FD | MAP_VALUE) {
            all[at].imm = 0;
            if let Some(upper) = all.get_mut(at + 1) {
                upper.imm = 0;
            }
        }
    }
    to_bytes(&all)
}
