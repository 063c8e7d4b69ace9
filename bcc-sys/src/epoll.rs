//! One epoll for all rings.

use crate::SysError;
use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use std::os::fd::{AsFd, BorrowedFd};

/// How a wait ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// So many tokens were written.
    Ready(usize),
    /// The time passed.
    Timeout,
    /// A signal handler ran; the caller may want to look at what it left.
    Interrupted,
}

/// An epoll instance whose members are told apart by a token.
#[derive(Debug)]
pub struct Poll {
    epoll: Epoll,
    events: Vec<EpollEvent>,
}

impl Poll {
    /// An empty set.
    ///
    /// # Errors
    /// What `epoll_create1(2)` says.
    pub fn new() -> Result<Self, SysError> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)
            .map_err(|errno| SysError { call: "epoll_create1", errno })?;
        Ok(Self { epoll, events: Vec::new() })
    }

    /// Adds `fd`, readable level-triggered, as `token`.
    ///
    /// # Errors
    /// What `epoll_ctl(2)` says.
    pub fn add(&mut self, fd: impl AsFd, token: u64) -> Result<(), SysError> {
        self.epoll
            .add(fd, EpollEvent::new(EpollFlags::EPOLLIN, token))
            .map_err(|errno| SysError { call: "epoll_ctl(ADD)", errno })?;
        self.events.push(EpollEvent::empty());
        Ok(())
    }

    /// Takes `fd` out.
    ///
    /// # Errors
    /// What `epoll_ctl(2)` says.
    pub fn remove(&mut self, fd: impl AsFd) -> Result<(), SysError> {
        self.epoll.delete(fd).map_err(|errno| SysError { call: "epoll_ctl(DEL)", errno })?;
        self.events.pop();
        Ok(())
    }

    /// Waits up to `timeout_ms` (negative: without end) and writes the ready tokens to `ready`.
    ///
    /// # Errors
    /// What `epoll_wait(2)` says; a signal is no error but [`Wait::Interrupted`].
    pub fn wait(&mut self, timeout_ms: i32, ready: &mut Vec<u64>) -> Result<Wait, SysError> {
        ready.clear();
        if self.events.is_empty() {
            self.events.push(EpollEvent::empty());
        }
        let timeout = EpollTimeout::try_from(timeout_ms.max(-1)).unwrap_or(EpollTimeout::NONE);
        match self.epoll.wait(&mut self.events, timeout) {
            Ok(0) => Ok(Wait::Timeout),
            Ok(count) => {
                ready.extend(self.events.iter().take(count).map(EpollEvent::data));
                Ok(Wait::Ready(count))
            }
            Err(Errno::EINTR) => Ok(Wait::Interrupted),
            Err(errno) => Err(SysError { call: "epoll_wait", errno }),
        }
    }
}

impl AsFd for Poll {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.epoll.0.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_descriptor_gives_its_token_and_removal_ends_it() {
        let (rx, tx) = nix::unistd::pipe().unwrap();
        let mut poll = Poll::new().unwrap();
        let mut ready = Vec::new();
        poll.add(&rx, 42).unwrap();
        assert_eq!(poll.wait(0, &mut ready).unwrap(), Wait::Timeout);
        nix::unistd::write(&tx, b"x").unwrap();
        assert_eq!(poll.wait(-1, &mut ready).unwrap(), Wait::Ready(1));
        assert_eq!(ready, [42]);
        poll.remove(&rx).unwrap();
        assert_eq!(poll.wait(0, &mut ready).unwrap(), Wait::Timeout);
        assert!(ready.is_empty());
    }
}
