//! Route netlink: XDP programs of a device, and tc's `clsact` with BPF filters.

use crate::SysError;
use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, recv, send,
    socket,
};
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
const RTM_NEWLINK: u16 = 16;
const RTM_GETLINK: u16 = 18;
const RTM_SETLINK: u16 = 19;
const RTM_NEWQDISC: u16 = 36;
const RTM_DELQDISC: u16 = 37;
const RTM_NEWTFILTER: u16 = 44;
const RTM_DELTFILTER: u16 = 45;
const RTM_GETTFILTER: u16 = 46;

const NLM_F_REQUEST: u16 = 1;
const NLM_F_ACK: u16 = 4;
const NLM_F_ECHO: u16 = 8;
const NLM_F_DUMP: u16 = 0x300;
const NLM_F_REPLACE: u16 = 0x100;
const NLM_F_EXCL: u16 = 0x200;
const NLM_F_CREATE: u16 = 0x400;

const NESTED: u16 = 0x8000;
const IFLA_XDP: u16 = 43;
const IFLA_XDP_FD: u16 = 1;
const IFLA_XDP_FLAGS: u16 = 3;
const IFLA_XDP_PROG_ID: u16 = 4;
const IFLA_XDP_EXPECTED_FD: u16 = 8;
const TCA_KIND: u16 = 1;
const TCA_OPTIONS: u16 = 2;
const TCA_BPF_FD: u16 = 6;
const TCA_BPF_NAME: u16 = 7;
const TCA_BPF_FLAGS: u16 = 8;
const TCA_BPF_FLAG_ACT_DIRECT: u32 = 1;

const CLSACT_PARENT: u32 = 0xffff_fff1;
const CLSACT_HANDLE: u32 = 0xffff_0000;
pub(crate) const ETH_P_ALL: u16 = 3;

/// `XDP_FLAGS_REPLACE`: act only while the expected program is the one attached.
pub const XDP_FLAGS_REPLACE: u32 = 1 << 4;

/// Side of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Packets that arrive.
    Ingress,
    /// Packets that leave.
    Egress,
}

impl Direction {
    fn parent(self) -> u32 {
        match self {
            Self::Ingress => 0xffff_fff2,
            Self::Egress => 0xffff_fff3,
        }
    }
}

/// A tc filter: what is needed to find it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Filter {
    /// Device.
    pub ifindex: u32,
    /// Side.
    pub direction: Direction,
    /// Handle within the priority; 0 lets the kernel choose.
    pub handle: u32,
    /// Priority; 0 lets the kernel choose.
    pub priority: u16,
}

/// One request under construction, or the attributes nested in it.
#[derive(Debug, Default)]
struct Message(Vec<u8>);

impl Message {
    fn new(kind: u16, flags: u16, family: &[u8]) -> Self {
        let mut bytes = vec![0; 4];
        bytes.extend_from_slice(&kind.to_ne_bytes());
        bytes.extend_from_slice(&(flags | NLM_F_REQUEST | NLM_F_ACK).to_ne_bytes());
        bytes.extend_from_slice(&1u32.to_ne_bytes());
        bytes.extend_from_slice(&0u32.to_ne_bytes());
        bytes.extend_from_slice(family);
        Self(bytes)
    }

    /// `struct ifinfomsg`.
    fn link(kind: u16, flags: u16, ifindex: u32) -> Self {
        let mut family = [0; 16];
        family[4..8].copy_from_slice(&ifindex.to_ne_bytes());
        Self::new(kind, flags, &family)
    }

    /// `struct tcmsg`.
    fn tc(kind: u16, flags: u16, ifindex: u32, handle: u32, parent: u32, info: u32) -> Self {
        let mut family = [0; 20];
        family[4..8].copy_from_slice(&ifindex.to_ne_bytes());
        family[8..12].copy_from_slice(&handle.to_ne_bytes());
        family[12..16].copy_from_slice(&parent.to_ne_bytes());
        family[16..20].copy_from_slice(&info.to_ne_bytes());
        Self::new(kind, flags, &family)
    }

    fn attr(mut self, kind: u16, payload: &[u8]) -> Self {
        let len = (payload.len() + 4) as u16;
        self.0.extend_from_slice(&len.to_ne_bytes());
        self.0.extend_from_slice(&kind.to_ne_bytes());
        self.0.extend_from_slice(payload);
        self.0.resize(self.0.len().next_multiple_of(4), 0);
        self
    }

    fn nested(self, kind: u16, inner: &Self) -> Self {
        self.attr(kind | NESTED, &inner.0)
    }

    fn finish(mut self) -> Vec<u8> {
        let len = (self.0.len() as u32).to_ne_bytes();
        self.0[..4].copy_from_slice(&len);
        self.0
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

/// The payload of attribute `kind` among `bytes`.
fn find_attr(mut bytes: &[u8], kind: u16) -> Option<&[u8]> {
    loop {
        let len = usize::from(u16_at(bytes, 0)?);
        let found = u16_at(bytes, 2)? & !(NESTED | 0x4000);
        let payload = bytes.get(4..len)?;
        if found == kind {
            return Some(payload);
        }
        bytes = bytes.get(len.next_multiple_of(4)..)?;
    }
}

/// A route netlink socket of the calling thread's network namespace.
#[derive(Debug)]
pub struct Route {
    socket: OwnedFd,
}

impl Route {
    /// Opens the socket.
    ///
    /// # Errors
    /// What `socket(2)` or `bind(2)` says.
    pub fn open() -> Result<Self, SysError> {
        let socket = socket(
            AddressFamily::Netlink,
            SockType::Raw,
            SockFlag::SOCK_CLOEXEC,
            SockProtocol::NetlinkRoute,
        )
        .map_err(|errno| SysError { call: "socket(NETLINK_ROUTE)", errno })?;
        bind(socket.as_raw_fd(), &NetlinkAddr::new(0, 0))
            .map_err(|errno| SysError { call: "bind(NETLINK_ROUTE)", errno })?;
        Ok(Self { socket })
    }

    /// Sends one request; returns the reply of another kind than the acknowledgement, if any.
    fn ask(&self, call: &'static str, request: Message) -> Result<Option<Vec<u8>>, SysError> {
        let fail = |errno| SysError { call, errno };
        send(self.socket.as_raw_fd(), &request.finish(), MsgFlags::empty()).map_err(fail)?;
        let mut reply = None;
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let len = match recv(self.socket.as_raw_fd(), &mut buffer, MsgFlags::empty()) {
                Ok(len) => len,
                Err(Errno::EINTR) => continue,
                Err(errno) => return Err(fail(errno)),
            };
            let mut rest = &buffer[..len];
            while let (Some(len), Some(kind)) = (u32_at(rest, 0), u16_at(rest, 4)) {
                let Some(message) = rest.get(..len as usize).filter(|m| m.len() >= 16) else {
                    return Err(fail(Errno::EBADMSG));
                };
                match kind {
                    NLMSG_ERROR => {
                        let code = u32_at(message, 16).ok_or(fail(Errno::EBADMSG))?.cast_signed();
                        return if code == 0 {
                            Ok(reply)
                        } else {
                            Err(fail(Errno::from_raw(code.wrapping_neg())))
                        };
                    }
                    NLMSG_DONE => return Ok(reply),
                    _ => reply = Some(message.to_vec()),
                }
                rest = rest.get((len as usize).next_multiple_of(4)..).unwrap_or_default();
            }
        }
    }

    /// Attaches `program` to a device's XDP hook, or removes what is there when `None`.
    ///
    /// # Errors
    /// `EBUSY` when a program is there and the flags forbid to replace it, `EOPNOTSUPP` when the
    /// driver cannot, `ENODEV` without such a device.
    pub fn set_xdp(
        &self,
        ifindex: u32,
        program: Option<BorrowedFd<'_>>,
        flags: u32,
        expected: Option<BorrowedFd<'_>>,
    ) -> Result<(), SysError> {
        let fd = program.map_or(-1, |fd| fd.as_raw_fd());
        let mut flags = flags;
        let mut inner = Message::default().attr(IFLA_XDP_FD, &fd.to_ne_bytes());
        if let Some(expected) = expected {
            flags |= XDP_FLAGS_REPLACE;
            inner = inner.attr(IFLA_XDP_EXPECTED_FD, &expected.as_raw_fd().to_ne_bytes());
        }
        if flags != 0 {
            inner = inner.attr(IFLA_XDP_FLAGS, &flags.to_ne_bytes());
        }
        let message = Message::link(RTM_SETLINK, 0, ifindex).nested(IFLA_XDP, &inner);
        self.ask("netlink(RTM_SETLINK xdp)", message).map(drop)
    }

    /// Id of the XDP program of a device; 0 for none.
    ///
    /// # Errors
    /// `ENODEV` without such a device.
    pub fn xdp_program(&self, ifindex: u32) -> Result<u32, SysError> {
        let call = "netlink(RTM_GETLINK)";
        let reply = self.ask(call, Message::link(RTM_GETLINK, 0, ifindex))?;
        let reply = reply.filter(|m| u16_at(m, 4) == Some(RTM_NEWLINK));
        let reply = reply.ok_or(SysError { call, errno: Errno::EBADMSG })?;
        let id = find_attr(reply.get(32..).unwrap_or_default(), IFLA_XDP)
            .and_then(|xdp| find_attr(xdp, IFLA_XDP_PROG_ID))
            .and_then(|id| u32_at(id, 0));
        Ok(id.unwrap_or(0))
    }

    /// Makes the device's `clsact` qdisc.
    ///
    /// # Errors
    /// `EEXIST` when it has one (or an `ingress` one).
    pub fn add_clsact(&self, ifindex: u32) -> Result<(), SysError> {
        let flags = NLM_F_CREATE | NLM_F_EXCL;
        let message = Message::tc(RTM_NEWQDISC, flags, ifindex, CLSACT_HANDLE, CLSACT_PARENT, 0)
            .attr(TCA_KIND, b"clsact\0");
        self.ask("netlink(RTM_NEWQDISC)", message).map(drop)
    }

    /// Removes the device's `clsact` qdisc with all its filters.
    ///
    /// # Errors
    /// `EINVAL` or `ENOENT` when it has none.
    pub fn remove_clsact(&self, ifindex: u32) -> Result<(), SysError> {
        let message = Message::tc(RTM_DELQDISC, 0, ifindex, CLSACT_HANDLE, CLSACT_PARENT, 0)
            .attr(TCA_KIND, b"clsact\0");
        self.ask("netlink(RTM_DELQDISC)", message).map(drop)
    }

    /// Adds a BPF filter in direct-action mode; returns it with handle and priority as chosen.
    ///
    /// # Errors
    /// `ENOENT` or `EINVAL` when the device has no `clsact`, `EEXIST` for a taken place.
    pub fn add_filter(
        &self,
        filter: Filter,
        program: BorrowedFd<'_>,
        name: &str,
        replace: bool,
    ) -> Result<Filter, SysError> {
        let call = "netlink(RTM_NEWTFILTER)";
        let mut text = name.as_bytes().to_vec();
        text.push(0);
        let inner = Message::default()
            .attr(TCA_BPF_FD, &program.as_raw_fd().to_ne_bytes())
            .attr(TCA_BPF_NAME, &text)
            .attr(TCA_BPF_FLAGS, &TCA_BPF_FLAG_ACT_DIRECT.to_ne_bytes());
        let flags = NLM_F_CREATE | NLM_F_ECHO | if replace { NLM_F_REPLACE } else { NLM_F_EXCL };
        let message = filter
            .message(RTM_NEWTFILTER, flags)
            .attr(TCA_KIND, b"bpf\0")
            .nested(TCA_OPTIONS, &inner);
        let reply = self.ask(call, message)?;
        let reply = reply.filter(|m| u16_at(m, 4) == Some(RTM_NEWTFILTER));
        let reply = reply.ok_or(SysError { call, errno: Errno::EBADMSG })?;
        let bad = SysError { call, errno: Errno::EBADMSG };
        let handle = u32_at(&reply, 24).ok_or(bad)?;
        let priority = (u32_at(&reply, 32).ok_or(bad)? >> 16) as u16;
        Ok(Filter { handle, priority, ..filter })
    }

    /// Whether the device's `clsact` has a filter on either side.
    ///
    /// # Errors
    /// `ENODEV` without such a device.
    pub fn has_filters(&self, ifindex: u32) -> Result<bool, SysError> {
        for direction in [Direction::Ingress, Direction::Egress] {
            let message =
                Message::tc(RTM_GETTFILTER, NLM_F_DUMP, ifindex, 0, direction.parent(), 0);
            let reply = self.ask("netlink(RTM_GETTFILTER)", message)?;
            if reply.is_some_and(|m| u16_at(&m, 4) == Some(RTM_NEWTFILTER)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Removes a filter.
    ///
    /// # Errors
    /// `ENOENT` when it is gone.
    pub fn remove_filter(&self, filter: Filter) -> Result<(), SysError> {
        let message = filter.message(RTM_DELTFILTER, 0).attr(TCA_KIND, b"bpf\0");
        self.ask("netlink(RTM_DELTFILTER)", message).map(drop)
    }
}

impl Filter {
    fn message(&self, kind: u16, flags: u16) -> Message {
        let info = u32::from(self.priority) << 16 | u32::from(ETH_P_ALL.to_be());
        Message::tc(kind, flags, self.ifindex, self.handle, self.direction.parent(), info)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_padded_and_found_again() {
        let inner = Message::default().attr(1, b"abc").attr(4, &7u32.to_ne_bytes());
        let bytes = Message::link(RTM_SETLINK, 0, 3).nested(IFLA_XDP, &inner).finish();
        assert_eq!(u32_at(&bytes, 0), Some(bytes.len() as u32));
        assert_eq!(bytes.len() % 4, 0);
        assert_eq!(u32_at(&bytes, 20), Some(3));
        let xdp = find_attr(&bytes[32..], IFLA_XDP).unwrap();
        assert_eq!(find_attr(xdp, 1), Some(b"abc".as_slice()));
        assert_eq!(find_attr(xdp, 4).and_then(|id| u32_at(id, 0)), Some(7));
        assert_eq!(find_attr(xdp, 9), None);
    }

    #[test]
    fn damaged_attributes_are_not_found() {
        assert_eq!(find_attr(&[2, 0, 1, 0], 1), None);
        assert_eq!(find_attr(&[200, 0, 1, 0, 5], 1), None);
        assert_eq!(find_attr(&[4, 0, 9, 0], 1), None);
        assert_eq!(find_attr(&[0; 16], 1), None);
    }

    #[test]
    fn loopback_is_known_and_an_absent_device_is_enodev() {
        let route = Route::open().unwrap();
        assert_eq!(route.xdp_program(1).unwrap(), 0);
        assert_eq!(route.xdp_program(0x7fff_fff0).unwrap_err().errno, Errno::ENODEV);
    }
}
