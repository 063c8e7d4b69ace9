//! What programs, maps, links and BTF objects tell of themselves.

mod link;

use super::attr::MapElemAttr;
use super::call::{addr_mut, bpf, raw};
use super::cmd::{Cmd, MapType, ProgType};
use super::object::obj_get_info;
use crate::SysError;
use nix::errno::Errno;
use std::os::fd::BorrowedFd;

pub use link::{LinkDetail, LinkInfo, link_info};

/// Reads fields at fixed offsets out of what the kernel wrote; short answers read as zero.
struct Raw<const N: usize>([u8; N]);

impl<const N: usize> Raw<N> {
    fn get(fd: BorrowedFd<'_>) -> Result<Self, SysError> {
        let mut raw = Self([0; N]);
        obj_get_info(fd, &mut raw.0)?;
        Ok(raw)
    }

    fn u32(&self, at: usize) -> u32 {
        let bytes = self.0.get(at..).and_then(|rest| rest.first_chunk());
        bytes.map_or(0, |b| u32::from_ne_bytes(*b))
    }

    fn u64(&self, at: usize) -> u64 {
        let bytes = self.0.get(at..).and_then(|rest| rest.first_chunk());
        bytes.map_or(0, |b| u64::from_ne_bytes(*b))
    }

    fn put_u32(&mut self, at: usize, value: u32) {
        self.0[at..at + 4].copy_from_slice(&value.to_ne_bytes());
    }

    fn put_u64(&mut self, at: usize, value: u64) {
        self.0[at..at + 8].copy_from_slice(&value.to_ne_bytes());
    }

    fn name(&self, at: usize) -> String {
        text(&self.0[at..at + super::OBJ_NAME_LEN])
    }
}

/// Bytes up to the first NUL.
fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

/// A map as the kernel knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapInfo {
    /// Type.
    pub map_type: MapType,
    /// Id.
    pub id: u32,
    /// Bytes per key.
    pub key_size: u32,
    /// Bytes per value, of one CPU.
    pub value_size: u32,
    /// Entries.
    pub max_entries: u32,
    /// `BPF_F_*`.
    pub flags: u32,
    /// Name, at most 15 bytes.
    pub name: String,
    /// Device of an offloaded map.
    pub ifindex: u32,
    /// BTF object of the types below, or 0.
    pub btf_id: u32,
    /// Key's type.
    pub btf_key_type_id: u32,
    /// Value's type.
    pub btf_value_type_id: u32,
    /// Per type.
    pub extra: u64,
}

/// Whether a descriptor is a map's. The kernel tells of programs, links and BTF by the same command as of
/// maps, and not which of them it told of: a program's tag would be taken for the sizes of key and value.
fn is_map(fd: BorrowedFd<'_>) -> bool {
    // Without address for the key nothing is looked up, but what is no map is refused before that. Arenas
    // refuse in the same words.
    let mut attr = MapElemAttr { map_fd: raw(fd), ..Default::default() };
    let refused = bpf(Cmd::MapLookupElem, &mut attr).err().map(|error| error.errno);
    !matches!(refused, Some(Errno::EINVAL | Errno::EBADF))
}

/// Asks what a map is.
///
/// # Errors
/// The kernel's, and `EINVAL` when the descriptor is no map.
pub fn map_info(fd: BorrowedFd<'_>) -> Result<MapInfo, SysError> {
    let raw = Raw::<88>::get(fd)?;
    if MapType(raw.u32(0)) != MapType::ARENA && !is_map(fd) {
        return Err(SysError { call: Cmd::ObjGetInfoByFd.call(), errno: Errno::EINVAL });
    }
    Ok(MapInfo {
        map_type: MapType(raw.u32(0)),
        id: raw.u32(4),
        key_size: raw.u32(8),
        value_size: raw.u32(12),
        max_entries: raw.u32(16),
        flags: raw.u32(20),
        name: raw.name(24),
        ifindex: raw.u32(40),
        btf_id: raw.u32(64),
        btf_key_type_id: raw.u32(68),
        btf_value_type_id: raw.u32(72),
        extra: raw.u64(80),
    })
}

/// A program as the kernel knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgInfo {
    /// Type.
    pub prog_type: ProgType,
    /// Id.
    pub id: u32,
    /// Hash of the instructions.
    pub tag: [u8; 8],
    /// Bytes of machine code; 0 when interpreted or hidden.
    pub jited_len: u32,
    /// Bytes of verified instructions.
    pub xlated_len: u32,
    /// When it was loaded, nanoseconds since boot.
    pub load_time_ns: u64,
    /// Who loaded it.
    pub created_by_uid: u32,
    /// Maps it uses.
    pub map_ids: Vec<u32>,
    /// Name, at most 15 bytes.
    pub name: String,
    /// Device of an offloaded program.
    pub ifindex: u32,
    /// Whether its license allows GPL-only helpers.
    pub gpl_compatible: bool,
    /// BTF object of func and line info, or 0.
    pub btf_id: u32,
    /// Time spent in it, while statistics are on.
    pub run_time_ns: u64,
    /// Runs, while statistics are on.
    pub run_cnt: u64,
    /// Runs skipped since it was already running.
    pub recursion_misses: u64,
    /// Instructions the verifier walked.
    pub verified_insns: u32,
    /// Type id of the function it is attached to, or 0.
    pub attach_btf_id: u32,
}

const PROG_INFO_LEN: usize = 232;

/// Asks what a program is.
///
/// # Errors
/// The kernel's: `EINVAL` when the descriptor is no BPF object, or is a map.
pub fn prog_info(fd: BorrowedFd<'_>) -> Result<ProgInfo, SysError> {
    let raw = Raw::<PROG_INFO_LEN>::get(fd)?;
    if is_map(fd) {
        return Err(SysError { call: Cmd::ObjGetInfoByFd.call(), errno: Errno::EINVAL });
    }
    let mut map_ids = vec![[0; 4]; raw.u32(52) as usize];
    let mut known = 0;
    if !map_ids.is_empty() {
        let mut request = Raw([0; PROG_INFO_LEN]);
        request.put_u32(52, map_ids.len() as u32);
        request.put_u64(56, addr_mut(map_ids.as_flattened_mut()));
        obj_get_info(fd, &mut request.0)?;
        known = request.u32(52) as usize;
    }
    map_ids.truncate(known);
    let mut tag = [0; 8];
    tag.copy_from_slice(&raw.0[8..16]);
    Ok(ProgInfo {
        prog_type: ProgType(raw.u32(0)),
        id: raw.u32(4),
        tag,
        jited_len: raw.u32(16),
        xlated_len: raw.u32(20),
        load_time_ns: raw.u64(40),
        created_by_uid: raw.u32(48),
        map_ids: map_ids.into_iter().map(u32::from_ne_bytes).collect(),
        name: raw.name(64),
        ifindex: raw.u32(80),
        gpl_compatible: raw.u32(84) & 1 == 1,
        btf_id: raw.u32(128),
        run_time_ns: raw.u64(192),
        run_cnt: raw.u64(200),
        recursion_misses: raw.u64(208),
        verified_insns: raw.u32(216),
        attach_btf_id: raw.u32(224),
    })
}

/// Instructions of a program as the verifier left them; empty when the kernel hides them.
///
/// # Errors
/// See [`prog_info`].
pub fn prog_xlated(fd: BorrowedFd<'_>) -> Result<Vec<u8>, SysError> {
    let raw = Raw::<PROG_INFO_LEN>::get(fd)?;
    let mut insns = vec![0; raw.u32(20) as usize];
    let mut request = Raw([0; PROG_INFO_LEN]);
    request.put_u32(20, insns.len() as u32);
    request.put_u64(32, addr_mut(&mut insns));
    obj_get_info(fd, &mut request.0)?;
    // The kernel clears the address when kptr_restrict or the caller's rights hide the code.
    insns.truncate(if request.u64(32) == 0 { 0 } else { request.u32(20) as usize });
    Ok(insns)
}

/// A BTF object as the kernel knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BtfInfo {
    /// Id.
    pub id: u32,
    /// `vmlinux`, a module's name, or empty for a program's BTF.
    pub name: String,
    /// Whether it is the kernel's or a module's.
    pub kernel: bool,
    /// Bytes of the BTF.
    pub size: u32,
}

/// Asks what a BTF object is.
///
/// # Errors
/// The kernel's: `EINVAL` when the descriptor is no BPF object.
pub fn btf_info(fd: BorrowedFd<'_>) -> Result<BtfInfo, SysError> {
    let mut name = [0; 64];
    let mut request = Raw([0; 32]);
    request.put_u64(16, addr_mut(&mut name));
    request.put_u32(24, name.len() as u32);
    obj_get_info(fd, &mut request.0)?;
    Ok(BtfInfo {
        id: request.u32(12),
        name: text(&name),
        kernel: request.u32(28) != 0,
        size: request.u32(8),
    })
}

/// The bytes of a BTF object.
///
/// # Errors
/// See [`btf_info`].
pub fn btf_bytes(fd: BorrowedFd<'_>) -> Result<Vec<u8>, SysError> {
    let mut bytes = vec![0; btf_info(fd)?.size as usize];
    let mut request = Raw([0; 32]);
    request.put_u64(0, addr_mut(&mut bytes));
    request.put_u32(8, bytes.len() as u32);
    obj_get_info(fd, &mut request.0)?;
    bytes.truncate(request.u32(8) as usize);
    Ok(bytes)
}
