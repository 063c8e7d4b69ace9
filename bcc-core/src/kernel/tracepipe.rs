//! What programs print: `bpf_trace_printk` through `trace_pipe`.
//!
//! Where the kernel has the event (since v5.9) and tracefs lets us, a tracing instance of our own
//! is read: two readers of the one global pipe would share the lines between them.

use super::tracefs;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};

/// Instances of our making are called `bcc_<pid>_<number>`.
const INSTANCE: &str = "bcc_";
/// The most that some kernel gives in one read.
const READ: usize = 8192;
const EVENT: &str = "events/bpf_trace/bpf_trace_printk/enable";

/// What a read gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next<'a> {
    /// A line without its newline.
    Line(&'a [u8]),
    /// Nothing is there, and the pipe does not block.
    Nothing,
    /// A signal handler ran; look at what it left, then read again.
    Interrupted,
}

/// An open `trace_pipe`.
#[derive(Debug)]
pub struct TracePipe {
    file: File,
    path: PathBuf,
    buffer: Vec<u8>,
    /// Where the line to give next starts.
    start: usize,
    /// Declared after the file: an instance in use cannot be removed.
    _instance: Option<Instance>,
}

/// A tracing instance, removed with its owner.
#[derive(Debug)]
struct Instance {
    path: PathBuf,
    pid: u32,
}

impl Instance {
    fn create() -> io::Result<Self> {
        remove_stale_instances();
        let pid = std::process::id();
        let mut number = 0;
        let path = loop {
            let path = instances().join(format!("{INSTANCE}{pid}_{number}"));
            match std::fs::create_dir(&path) {
                Ok(()) => break path,
                Err(error) if error.kind() == ErrorKind::AlreadyExists => number += 1,
                Err(error) => return Err(error),
            }
        };
        let instance = Self { path, pid };
        std::fs::write(instance.path.join(EVENT), "1")?;
        Ok(instance)
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        if self.pid != std::process::id() {
            return;
        }
        if let Err(error) = std::fs::remove_dir(&self.path) {
            log::warn!("tracing instance {} stays: {error}", self.path.display());
        }
    }
}

fn instances() -> PathBuf {
    tracefs::root().join("instances")
}

/// Removes tracing instances that processes left which are gone; returns how many.
pub fn remove_stale_instances() -> usize {
    let Ok(entries) = std::fs::read_dir(instances()) else { return 0 };
    let mut removed = 0;
    for entry in entries.flatten() {
        let name = entry.file_name();
        let Some(pid) = name.to_str().and_then(owner) else { continue };
        let gone = nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), None)
            == Err(nix::errno::Errno::ESRCH);
        if gone {
            match std::fs::remove_dir(entry.path()) {
                Ok(()) => removed += 1,
                Err(error) => log::debug!("stale instance {name:?} stays: {error}"),
            }
        }
    }
    removed
}

/// The process that made the instance of this name, if it is one of ours.
fn owner(name: &str) -> Option<i32> {
    let (pid, number) = name.strip_prefix(INSTANCE)?.split_once('_')?;
    number.parse::<u32>().ok()?;
    pid.parse().ok().filter(|&pid| pid > 0)
}

impl TracePipe {
    /// Opens an instance of our own, or the global pipe where that cannot be.
    ///
    /// Only what is printed from now on is seen.
    ///
    /// # Errors
    /// When tracefs is not mounted or may not be read.
    pub fn open() -> io::Result<Self> {
        match Instance::create().and_then(|instance| Self::of(Some(instance))) {
            Ok(pipe) => Ok(pipe),
            Err(error) => {
                log::debug!("no tracing instance: {error}");
                Self::of(None)
            }
        }
    }

    fn of(instance: Option<Instance>) -> io::Result<Self> {
        let directory = instance.as_ref().map_or(tracefs::root(), |instance| &instance.path);
        let path = directory.join("trace_pipe");
        let file = File::open(&path)?;
        Ok(Self { file, path, buffer: Vec::new(), start: 0, _instance: instance })
    }

    /// The file that is read.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes reads return [`Next::Nothing`] instead of waiting, or wait again.
    ///
    /// # Errors
    /// What `fcntl(2)` says.
    pub fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        let flags = OFlag::from_bits_retain(fcntl(&self.file, FcntlArg::F_GETFL)?);
        let mut wanted = flags;
        wanted.set(OFlag::O_NONBLOCK, nonblocking);
        if wanted != flags {
            fcntl(&self.file, FcntlArg::F_SETFL(wanted))?;
        }
        Ok(())
    }

    /// Whether a line is there already, so that [`Self::next_line`] will not read.
    pub fn has_line(&self) -> bool {
        self.buffer[self.start..].contains(&b'\n')
    }

    /// The next line.
    ///
    /// # Errors
    /// When reading fails for another reason than a signal.
    pub fn next_line(&mut self) -> io::Result<Next<'_>> {
        let mut searched = self.start;
        loop {
            if let Some(at) = self.buffer[searched..].iter().position(|&byte| byte == b'\n') {
                let line = self.start..searched + at;
                self.start = line.end + 1;
                return Ok(Next::Line(&self.buffer[line]));
            }
            self.buffer.drain(..self.start);
            self.start = 0;
            searched = self.buffer.len();
            self.buffer.resize(searched + READ, 0);
            let read = self.file.read(&mut self.buffer[searched..]);
            self.buffer.truncate(searched + *read.as_ref().unwrap_or(&0));
            match read {
                // The pipe ends when tracing is switched off; more may come later.
                Ok(0) => return Ok(Next::Nothing),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => {
                    return Ok(Next::Interrupted);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Next::Nothing),
                Err(error) => return Err(error),
            }
        }
    }
}

impl AsFd for TracePipe {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

/// The parts of a line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fields<'a> {
    /// Command name of the thread.
    pub task: &'a [u8],
    /// Thread id.
    pub pid: i64,
    /// CPU.
    pub cpu: i64,
    /// Interrupt and preemption state.
    pub flags: &'a [u8],
    /// Seconds since boot.
    pub seconds: f64,
    /// What the program printed.
    pub message: &'a [u8],
}

/// Whether the line tells of lost events instead of an event.
pub fn is_loss(line: &[u8]) -> bool {
    line.starts_with(b"CPU:")
}

/// Takes a line of `trace_pipe` apart; `None` when it is no event's.
///
/// ```
/// let line = b"            bash-1234    [001] d..31  5678.901234: bpf_trace_printk: hello: world";
/// let fields = bcc_core::kernel::tracepipe::fields(line).unwrap();
/// assert_eq!((fields.task, fields.pid, fields.cpu), (b"bash".as_slice(), 1234, 1));
/// assert_eq!((fields.seconds, fields.message), (5678.901234, b"hello: world".as_slice()));
/// ```
pub fn fields(line: &[u8]) -> Option<Fields<'_>> {
    let colon = |bytes: &[u8]| bytes.iter().position(|&byte| byte == b':');
    // The name may hold anything, hence columns and no separators.
    let task = line.get(..16)?.trim_ascii_start();
    let rest = line.get(17..)?;
    let (head, rest) = rest.split_at_checked(colon(rest)?)?;
    let mut words = head.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let (pid, cpu, flags, seconds) = (words.next()?, words.next()?, words.next()?, words.next()?);
    if words.next().is_some() {
        return None;
    }
    let cpu = cpu.get(1..cpu.len().checked_sub(1)?)?;
    // Behind the time stands where the line was printed, then the message. Before v4.13 an
    // unknown place was left out, which leaves an empty one.
    let place = rest.get(2..)?;
    let message = place.get(colon(place)? + 2..).unwrap_or_default();
    Some(Fields {
        task,
        pid: number(pid)?,
        cpu: number(cpu)?,
        flags,
        seconds: std::str::from_utf8(seconds).ok()?.parse().ok()?,
        message,
    })
}

fn number(text: &[u8]) -> Option<i64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_blanks_and_dashes_are_kept_whole() {
        let line = b"    my - proc: 1-77      [003] ..... 12.000001: bpf_trace_printk: a:b";
        let fields = fields(line).unwrap();
        assert_eq!(fields.task, b"my - proc: 1");
        assert_eq!((fields.pid, fields.cpu, fields.flags), (77, 3, b".....".as_slice()));
        assert_eq!((fields.seconds, fields.message), (12.000_001, b"a:b".as_slice()));
    }

    #[test]
    fn empty_place_and_empty_message_are_read() {
        let old = b"            bash-1       [000] d... 1.5: : hello";
        assert_eq!(fields(old).unwrap().message, b"hello");
        let empty = b"            bash-1       [000] d... 1.5: bpf_trace_printk:";
        assert_eq!(fields(empty).unwrap().message, b"");
    }

    #[test]
    fn other_lines_are_none() {
        let lines: [&[u8]; 6] = [
            b"",
            b"CPU:0 [LOST 12 EVENTS]",
            b"            bash-1       [000] d...: bpf_trace_printk: too few",
            b"            bash-x       [000] d... 1.5: bpf_trace_printk: pid",
            b"            bash-1       [] d... 1.5: bpf_trace_printk: cpu",
            b"            bash-1       [000] d... 1.5",
        ];
        for line in lines {
            assert_eq!(fields(line), None, "{}", String::from_utf8_lossy(line));
        }
        assert!(is_loss(lines[1]));
    }

    #[test]
    fn instances_tell_whose_they_are() {
        assert_eq!(owner("bcc_12_0"), Some(12));
        for name in ["bcc_12", "bcc_x_0", "bcc_-1_0", "mine", "bcc_12_x"] {
            assert_eq!(owner(name), None);
        }
    }

    #[test]
    fn own_instance_is_removed_with_the_pipe() {
        if !nix::unistd::geteuid().is_root() {
            return;
        }
        let mut pipe = TracePipe::open().unwrap();
        let directory = pipe.path().parent().unwrap().to_owned();
        pipe.set_nonblocking(true).unwrap();
        assert_eq!(pipe.next_line().unwrap(), Next::Nothing);
        drop(pipe);
        assert!(directory == tracefs::root() || !directory.exists());
    }
}
