//! Semaphores raised by writing into the process, for kernels that can't do it (before v4.20).

use super::UsdtError;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;

/// A raised semaphore; dropping it lowers it again.
#[derive(Debug)]
#[must_use = "the probe is off again when this is dropped"]
pub struct Semaphore {
    memory: File,
    address: u64,
}

impl Semaphore {
    /// Counts the semaphore at `address` of process `pid` up. The count is the program's own and two
    /// tracers that write at once may lose one of their steps, as with every tool that writes it.
    ///
    /// # Errors
    /// [`UsdtError::Process`] when the process may not be written to, or has no memory there.
    pub fn raise(pid: i32, address: u64) -> Result<Self, UsdtError> {
        let memory = step(pid, address, 1)?;
        Ok(Self { memory, address })
    }
}

/// Adds `by` to the semaphore at `address` of process `pid`, whose memory it gives back.
pub(super) fn step(pid: i32, address: u64, by: i16) -> Result<File, UsdtError> {
    let process = |source| UsdtError::Process { pid, source };
    let mut options = OpenOptions::new();
    let memory = options.read(true).write(true).open(format!("/proc/{pid}/mem"));
    let memory = memory.map_err(process)?;
    add(&memory, address, by).map_err(process)?;
    Ok(memory)
}

fn add(memory: &File, address: u64, step: i16) -> io::Result<()> {
    let mut count = [0; 2];
    memory.read_exact_at(&mut count, address)?;
    let count = u16::from_ne_bytes(count).saturating_add_signed(step);
    memory.write_all_at(&count.to_ne_bytes(), address)
}

impl Drop for Semaphore {
    fn drop(&mut self) {
        // A process that ended needs nothing.
        if let Err(error) = add(&self.memory, self.address, -1) {
            log::debug!("semaphore at {:#x}: {error}", self.address);
        }
    }
}
