//! Namespaces of other processes, entered on a thread of our own, never on the caller's.

use crate::SysError;
use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::sched::{CloneFlags, setns, unshare};
use nix::sys::stat::Mode;
use std::os::fd::OwnedFd;

/// Which namespace of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Namespace {
    /// Mounts: paths mean what that process means.
    Mount,
    /// Network devices and sockets.
    Net,
}

impl Namespace {
    fn file(self) -> &'static str {
        match self {
            Self::Mount => "mnt",
            Self::Net => "net",
        }
    }

    fn flag(self) -> CloneFlags {
        match self {
            Self::Mount => CloneFlags::CLONE_NEWNS,
            Self::Net => CloneFlags::CLONE_NEWNET,
        }
    }
}

/// An open namespace.
#[derive(Debug)]
pub struct NamespaceFd {
    fd: OwnedFd,
    kind: Namespace,
}

impl NamespaceFd {
    /// The namespace of process `pid`.
    ///
    /// # Errors
    /// `ENOENT` when the process is gone, `EACCES` without the right to look.
    pub fn of_process(pid: i32, kind: Namespace) -> Result<Self, SysError> {
        Self::open(&format!("/proc/{pid}/ns/{}", kind.file()), kind)
    }

    /// The namespace a path such as `/run/netns/blue` stands for.
    ///
    /// # Errors
    /// What `open(2)` says.
    pub fn open(path: &str, kind: Namespace) -> Result<Self, SysError> {
        let fd = open(path, OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty())
            .map_err(|errno| SysError { call: "open(namespace)", errno })?;
        Ok(Self { fd, kind })
    }

    /// Runs `work` inside the namespace on a thread of its own and hands back its result.
    ///
    /// # Errors
    /// What `unshare(2)` or `setns(2)` says; `EAGAIN` when no thread can be started.
    pub fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> Result<T, SysError> {
        std::thread::scope(|scope| {
            let handle = std::thread::Builder::new()
                .name("bcc-namespace".to_owned())
                .spawn_scoped(scope, || {
                    self.enter()?;
                    Ok(work())
                })
                .map_err(|_no_thread| SysError { call: "clone", errno: Errno::EAGAIN })?;
            match handle.join() {
                Ok(result) => result,
                Err(panic) => std::panic::resume_unwind(panic),
            }
        })
    }

    /// Moves the calling thread for the rest of its life.
    fn enter(&self) -> Result<(), SysError> {
        if self.kind == Namespace::Mount {
            // A thread that shares its root and working directory may not change mounts.
            unshare(CloneFlags::CLONE_FS)
                .map_err(|errno| SysError { call: "unshare(CLONE_FS)", errno })?;
        }
        setns(&self.fd, self.kind.flag()).map_err(|errno| SysError { call: "setns", errno })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn net_of_this_thread() -> std::path::PathBuf {
        std::fs::read_link("/proc/thread-self/ns/net").unwrap()
    }

    #[test]
    fn work_runs_in_the_other_namespace_and_the_caller_stays() {
        let mine = net_of_this_thread();
        let other = std::thread::spawn(|| {
            unshare(CloneFlags::CLONE_NEWNET).ok()?;
            let link = net_of_this_thread();
            let fd = NamespaceFd::open("/proc/thread-self/ns/net", Namespace::Net).ok()?;
            Some((link, fd))
        });
        let Some((link, fd)) = other.join().unwrap() else {
            assert!(!nix::unistd::geteuid().is_root(), "root can make a network namespace");
            return;
        };
        assert_ne!(mine, link);
        assert_eq!(fd.run(net_of_this_thread).unwrap(), link);
        assert_eq!(net_of_this_thread(), mine);
    }

    #[test]
    fn mount_namespace_of_this_process_can_be_entered_by_root() {
        let ns = NamespaceFd::of_process(std::process::id().cast_signed(), Namespace::Mount);
        let seen = ns.unwrap().run(|| std::fs::read_link("/proc/thread-self/ns/mnt").unwrap());
        if nix::unistd::geteuid().is_root() {
            assert_eq!(seen.unwrap(), std::fs::read_link("/proc/self/ns/mnt").unwrap());
        }
    }

    #[test]
    fn namespace_of_an_absent_process_is_enoent() {
        let err = NamespaceFd::of_process(i32::MAX, Namespace::Mount).unwrap_err();
        assert_eq!(err.errno, Errno::ENOENT);
    }
}
