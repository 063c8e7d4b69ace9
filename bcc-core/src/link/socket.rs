//! Socket filters on packet sockets.

use super::{AttachError, AttachKind, Attachment, Link, Problem};
use bcc_sys::packet;
use std::os::fd::BorrowedFd;

/// Opens a packet socket on `device` (every one when empty) and puts the program on it.
///
/// The socket is non-blocking; [`Link::fds`] lends it for reading.
///
/// # Errors
/// `ENODEV` for an unknown device, `EPERM` without `CAP_NET_RAW`.
pub fn attach(program: BorrowedFd<'_>, device: &str) -> Result<Link, AttachError> {
    let kind = AttachKind::Socket;
    let fail = |problem: Problem| AttachError::new(kind, device, problem);
    let ifindex = if device.is_empty() {
        0
    } else {
        super::xdp::index_of(device).map_err(|error| fail(error.into()))?
    };
    let socket = packet::packet_socket(ifindex).map_err(|error| fail(error.into()))?;
    packet::set_socket_program(&socket, program).map_err(|error| fail(error.into()))?;
    Ok(Link::new(kind, device, Attachment::Socket(socket)))
}
