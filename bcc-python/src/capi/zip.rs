//! Members of ZIP archives, as `bcc_zip_*` gives them.

use super::texts::Texts;
use super::{c_text, failed};
use bcc_core::regular;
use bcc_core::symbol::zip;
use nix::errno::Errno;
use std::ffi::{c_char, c_int, c_void};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// What `bcc_zip_archive_open` gives a pointer to.
#[derive(Debug)]
pub(crate) struct Archive {
    file: File,
    members: Vec<zip::Member>,
    texts: Texts,
    /// Contents that were handed out.
    contents: Mutex<Vec<Box<[u8]>>>,
}

/// `struct bcc_zip_entry`.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct ZipEntry {
    compression: u16,
    name: *const c_char,
    name_length: u16,
    data: *const c_void,
    data_length: u32,
    data_offset: u32,
}

impl Archive {
    fn open(path: &Path) -> std::io::Result<Self> {
        let file = regular::open(path)?;
        if !zip::is_archive(&file) {
            return Err(std::io::ErrorKind::InvalidData.into());
        }
        let members = zip::members(&file)?;
        Ok(Self { file, members, texts: Texts::default(), contents: Mutex::default() })
    }

    fn give(&self, wanted: impl Fn(&zip::Member) -> bool, to: &mut ZipEntry) -> c_int {
        let Some(member) = self.members.iter().find(|member| wanted(member)) else {
            return failed(Errno::ENOENT);
        };
        let (Ok(offset), Ok(len)) = (u32::try_from(member.offset), u32::try_from(member.len))
        else {
            return failed(Errno::EFBIG);
        };
        let mut data = vec![0; len as usize].into_boxed_slice();
        if self.file.read_exact_at(&mut data, member.offset).is_err() {
            return failed(Errno::EIO);
        }
        let mut contents = self.contents.lock().unwrap_or_else(PoisonError::into_inner);
        *to = ZipEntry {
            compression: 0,
            name: self.texts.keep(&member.name),
            name_length: u16::try_from(member.name.len()).unwrap_or(u16::MAX),
            data: data.as_ptr().cast(),
            data_length: len,
            data_offset: offset,
        };
        contents.push(data);
        0
    }
}

/// Opens a ZIP archive; null for what is none.
///
/// # Safety
/// `path` is null or a C string.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bcc_zip_archive_open(path: *const c_char) -> *mut Archive {
    // SAFETY: as this function's.
    let path = unsafe { c_text(path) }.unwrap_or_default();
    match Archive::open(Path::new(&path)) {
        Ok(archive) => Box::into_raw(Box::new(archive)),
        Err(error) => {
            failed(error.raw_os_error().map_or(Errno::EINVAL, Errno::from_raw));
            std::ptr::null_mut()
        }
    }
}

/// # Safety
/// `archive` is null or of [`bcc_zip_archive_open`], and neither it nor what it gave is used again.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bcc_zip_archive_close(archive: *mut Archive) {
    if !archive.is_null() {
        // SAFETY: it came from a box, and the caller gives it up.
        drop(unsafe { Box::from_raw(archive) });
    }
}

/// Fills `to` with the member of that name, if it is stored uncompressed.
///
/// # Safety
/// `archive` is null or of [`bcc_zip_archive_open`], `name` null or a C string, `to` null or a `bcc_zip_entry`.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bcc_zip_archive_find_entry(
    archive: *mut Archive,
    name: *const c_char,
    to: *mut ZipEntry,
) -> c_int {
    // SAFETY: as this function's.
    let (archive, to) = (unsafe { archive.as_ref() }, unsafe { to.as_mut() });
    // SAFETY: as this function's.
    match (archive, to, unsafe { c_text(name) }) {
        (Some(archive), Some(to), Ok(name)) => archive.give(|member| member.name == name, to),
        _ => failed(Errno::EFAULT),
    }
}

/// Fills `to` with the member whose contents cover byte `offset` of the archive.
///
/// # Safety
/// As [`bcc_zip_archive_find_entry`].
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bcc_zip_archive_find_entry_at_offset(
    archive: *mut Archive,
    offset: u32,
    to: *mut ZipEntry,
) -> c_int {
    // SAFETY: as this function's.
    let (Some(archive), Some(to)) = (unsafe { archive.as_ref() }, unsafe { to.as_mut() }) else {
        return failed(Errno::EFAULT);
    };
    let covers = |member: &zip::Member| {
        u64::from(offset).checked_sub(member.offset).is_some_and(|into| into < member.len)
    };
    archive.give(covers, to)
}

/// Opens the archive of `archive!/member` and fills `to` with the member; null when one is not there.
///
/// # Safety
/// `path` is null or a C string, `to` null or a `bcc_zip_entry`.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bcc_zip_archive_open_and_find(
    path: *const c_char,
    to: *mut ZipEntry,
) -> *mut Archive {
    // SAFETY: as this function's.
    let (path, to) = (unsafe { c_text(path) }.unwrap_or_default(), unsafe { to.as_mut() });
    let (Some((file, name)), Some(to)) = (zip::split(Path::new(&path)), to) else {
        failed(Errno::EINVAL);
        return std::ptr::null_mut();
    };
    match Archive::open(&file) {
        Ok(archive) if archive.give(|member| member.name == name, to) == 0 => {
            Box::into_raw(Box::new(archive))
        }
        _ => std::ptr::null_mut(),
    }
}
