//! Many kernel functions behind one link (since v5.18).

use super::{AttachError, AttachKind, Attachment, Link};
use bcc_sys::SysError;
use bcc_sys::bpf::{AttachType, LinkCreate, LinkExtra, LinkTarget, link_create};
use nix::errno::Errno;
use std::os::fd::BorrowedFd;

/// Where and how.
#[derive(Debug, Clone, Copy)]
pub struct KprobeMultiOpts<'a> {
    /// Addresses of functions; names would be ambiguous.
    pub addresses: &'a [u64],
    /// One cookie per address, or empty.
    pub cookies: &'a [u64],
    /// Fire on return.
    pub on_return: bool,
}

/// What came of it.
#[derive(Debug)]
pub struct KprobeMulti {
    /// Together they cover every address not refused; one, unless some were refused.
    pub links: Vec<Link>,
    /// Addresses the kernel cannot trace.
    pub refused: Vec<u64>,
}

/// Attaches a program loaded with `expected_attach_type` `TRACE_KPROBE_MULTI`. The kernel refuses
/// a whole set for one bad address, so a refused set is halved until the bad ones are alone.
///
/// # Errors
/// The kernel's, when it refuses for another reason than an address: `EOPNOTSUPP` without support,
/// `EPERM`; and when it refuses every address.
pub fn attach(
    program: BorrowedFd<'_>,
    opts: &KprobeMultiOpts<'_>,
) -> Result<KprobeMulti, AttachError> {
    let target = format!("{} functions", opts.addresses.len());
    let fail = |error: SysError| AttachError::new(AttachKind::KprobeMulti, &target, error);
    let mut made = KprobeMulti { links: Vec::new(), refused: Vec::new() };
    let mut last = SysError { call: "bpf(LINK_CREATE)", errno: Errno::EINVAL };
    let mut sets = vec![(opts.addresses, opts.cookies)];
    while let Some((addresses, cookies)) = sets.pop() {
        if addresses.is_empty() {
            continue;
        }
        let request = LinkCreate {
            prog: program,
            target: LinkTarget::None,
            attach_type: AttachType::TRACE_KPROBE_MULTI,
            flags: 0,
            extra: LinkExtra::KprobeMulti {
                ret: opts.on_return,
                symbols: &[],
                addrs: addresses,
                cookies,
            },
        };
        match link_create(&request) {
            Ok(fd) => made.links.push(Link::new(
                AttachKind::KprobeMulti,
                format!("{} functions", addresses.len()),
                Attachment::BpfLink(fd),
            )),
            Err(error) if !is_about_address(error.errno) => return Err(fail(error)),
            Err(error) if addresses.len() == 1 => {
                last = error;
                made.refused.extend_from_slice(addresses);
            }
            Err(_) => {
                let (left, right) = addresses.split_at(addresses.len() / 2);
                let (left_cookies, right_cookies) = cookies.split_at(cookies.len().min(left.len()));
                sets.push((right, right_cookies));
                sets.push((left, left_cookies));
            }
        }
        // A kernel that refuses the first sixty-four alone refuses the program, not the addresses.
        if made.links.is_empty() && made.refused.len() >= 64 {
            return Err(fail(last));
        }
    }
    if made.links.is_empty() { Err(fail(last)) } else { Ok(made) }
}

fn is_about_address(errno: Errno) -> bool {
    matches!(errno, Errno::EINVAL | Errno::ENOENT | Errno::ESRCH | Errno::EADDRNOTAVAIL)
}
