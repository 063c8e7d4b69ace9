//! Packet sockets, and programs on sockets.

use crate::SysError;
use crate::netlink::ETH_P_ALL;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

/// Opens a non-blocking packet socket for every protocol, on one device or (index 0) on all.
///
/// # Errors
/// `EPERM` without `CAP_NET_RAW`, `ENODEV` for an absent device.
pub fn packet_socket(ifindex: u32) -> Result<OwnedFd, SysError> {
    let protocol = i32::from(ETH_P_ALL.to_be());
    let flags = libc::SOCK_RAW | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
    // SAFETY: plain integers in, a descriptor or -1 out.
    let fd = unsafe { libc::socket(libc::AF_PACKET, flags, protocol) };
    if fd < 0 {
        return Err(SysError::last("socket(AF_PACKET)"));
    }
    // SAFETY: the kernel has just made this descriptor for us; nobody else owns it.
    let socket = unsafe { OwnedFd::from_raw_fd(fd) };
    if ifindex == 0 {
        return Ok(socket);
    }
    let address = libc::sockaddr_ll {
        sll_family: libc::AF_PACKET as u16,
        sll_protocol: ETH_P_ALL.to_be(),
        sll_ifindex: ifindex.cast_signed(),
        sll_hatype: 0,
        sll_pkttype: 0,
        sll_halen: 0,
        sll_addr: [0; 8],
    };
    let len = size_of_val(&address) as libc::socklen_t;
    // SAFETY: `address` is a live struct of the length given; the kernel only reads it.
    let ret = unsafe { libc::bind(fd, std::ptr::from_ref(&address).cast(), len) };
    if ret < 0 { Err(SysError::last("bind(AF_PACKET)")) } else { Ok(socket) }
}

/// Puts a socket filter program on a socket (`SO_ATTACH_BPF`).
///
/// # Errors
/// `EINVAL` for a program of another type, `EPERM` when the socket's filter is locked.
pub fn set_socket_program(socket: impl AsFd, program: BorrowedFd<'_>) -> Result<(), SysError> {
    let value = program.as_raw_fd();
    let len = size_of_val(&value) as libc::socklen_t;
    let fd = socket.as_fd().as_raw_fd();
    let at = std::ptr::from_ref(&value).cast();
    // SAFETY: the option's value is a live `int` of the length given; the kernel only reads it.
    let ret = unsafe { libc::setsockopt(fd, libc::SOL_SOCKET, libc::SO_ATTACH_BPF, at, len) };
    if ret < 0 { Err(SysError::last("setsockopt(SO_ATTACH_BPF)")) } else { Ok(()) }
}
