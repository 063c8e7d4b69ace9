//! Structs of functions, registered with the kernel.

use super::{AttachError, AttachKind, Attachment, Link};
use bcc_sys::SysError;
use bcc_sys::bpf::call::{MapCreate, map_create};
use bcc_sys::bpf::{AttachType, LinkCreate, LinkExtra, LinkTarget, MapFd, MapType, link_create};
use nix::errno::Errno;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// `BPF_F_LINK`: registered by a link rather than by the update, since v6.4.
const F_LINK: u32 = 1 << 13;

/// Registers `value`, the kernel's wrapper of a struct of functions with program descriptors in place of
/// pointers; `btf` is the programs'.
///
/// # Errors
/// `EINVAL` for a value that the kernel does not take, `EEXIST` for a name it has already, `EPERM`.
pub fn attach(
    btf: BorrowedFd<'_>,
    name: &str,
    value_type_id: u32,
    value: &[u8],
) -> Result<Link, AttachError> {
    let fail = |error: SysError| AttachError::new(AttachKind::StructOps, name, error);
    let (map, by_link) = create(btf, name, value_type_id, value.len()).map_err(fail)?;
    let map = MapFd::new(map).map_err(fail)?;
    map.update(&0u32.to_ne_bytes(), value, 0).map_err(fail)?;
    let attachment = if by_link {
        let link = link_create(&LinkCreate {
            prog: map.as_fd(),
            target: LinkTarget::None,
            attach_type: AttachType::STRUCT_OPS,
            flags: 0,
            extra: LinkExtra::None,
        });
        Attachment::BpfLink(link.map_err(fail)?)
    } else {
        Attachment::StructOps(map)
    };
    Ok(Link::new(AttachKind::StructOps, name, attachment))
}

/// The map, and whether a link registers it.
fn create(
    btf: BorrowedFd<'_>,
    name: &str,
    value_type_id: u32,
    value_size: usize,
) -> Result<(OwnedFd, bool), SysError> {
    let value_size = u32::try_from(value_size)
        .map_err(|_lost| SysError { call: "bpf(BPF_MAP_CREATE)", errno: Errno::E2BIG })?;
    let map = MapCreate {
        map_type: MapType::STRUCT_OPS.0,
        key_size: 4,
        value_size,
        max_entries: 1,
        flags: F_LINK,
        name,
        btf: Some((btf, 0, 0)),
        btf_vmlinux_value_type_id: value_type_id,
        ..Default::default()
    };
    match map_create(&map) {
        Err(error) if error.errno == Errno::EINVAL => {
            map_create(&MapCreate { flags: 0, ..map }).map(|map| (map, false))
        }
        made => made.map(|map| (map, true)),
    }
}

/// Takes it back: no new user of the struct gets it.
pub(super) fn detach(map: &MapFd) -> Result<(), SysError> {
    map.delete(&0u32.to_ne_bytes()).map(drop)
}
