//! `bpf(2)`: one struct per command, one safe function per command.
//!
//! [`attr`] holds what the kernel reads, [`cmd`] its numbers, [`call`] the functions that create,
//! [`object`] those on what exists; [`map`] is a map's descriptor together with the sizes the kernel copies, which is what makes element access
//! safe; [`insn`] builds instructions, [`info`] decodes what objects tell of themselves.

pub mod attr;
mod batch;
pub mod call;
pub mod cmd;
pub mod info;
pub mod insn;
mod link;
pub mod map;
pub mod object;

pub use cmd::{AttachType, Cmd, LinkType, MapType, ProgType};
pub use info::{BtfInfo, LinkDetail, LinkInfo, MapInfo, ProgInfo};
pub use insn::Insn;
pub use link::{LinkCreate, LinkExtra, LinkTarget, link_create};
pub use map::{BatchResult, MapFd};

/// Bytes of an object's name in the kernel, the final NUL included.
pub const OBJ_NAME_LEN: usize = 16;

/// Packs a name into the kernel's field: cut to 15 bytes, every byte the kernel would refuse
/// replaced by `_`.
pub fn obj_name(name: &str) -> [u8; OBJ_NAME_LEN] {
    let mut out = [0; OBJ_NAME_LEN];
    for (slot, byte) in out.iter_mut().zip(name.bytes().take(OBJ_NAME_LEN - 1)) {
        let allowed = byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.';
        *slot = if allowed { byte } else { b'_' };
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cut_and_cleaned() {
        assert_eq!(&obj_name("a-b"), b"a_b\0\0\0\0\0\0\0\0\0\0\0\0\0");
        assert_eq!(&obj_name("0123456789abcdefgh"), b"0123456789abcde\0");
    }
}
