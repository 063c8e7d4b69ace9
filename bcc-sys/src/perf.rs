//! `perf_event_open(2)`: attributes, opening, ioctls, and the probe PMUs of sysfs.

use crate::{Pod, SysError};
use nix::errno::Errno;
use nix::libc::CLOCK_MONOTONIC;
use std::ffi::CStr;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

/// `PERF_TYPE_SOFTWARE`.
pub const TYPE_SOFTWARE: u32 = 1;
/// `PERF_TYPE_TRACEPOINT`.
pub const TYPE_TRACEPOINT: u32 = 2;
/// `PERF_COUNT_SW_BPF_OUTPUT`.
pub const SW_BPF_OUTPUT: u64 = 10;
/// `PERF_FORMAT_TOTAL_TIME_ENABLED`.
pub const FORMAT_TOTAL_TIME_ENABLED: u64 = 1;
/// `PERF_SAMPLE_TIME`.
pub const SAMPLE_TIME: u64 = 1 << 2;
/// `PERF_SAMPLE_RAW`.
pub const SAMPLE_RAW: u64 = 1 << 10;

/// `disabled` bit of [`PerfEventAttr::flags`].
pub const ATTR_DISABLED: u64 = 1;
/// `inherit` bit of [`PerfEventAttr::flags`].
pub const ATTR_INHERIT: u64 = 1 << 1;
/// `freq` bit of [`PerfEventAttr::flags`]: `sample` is a frequency in hertz.
pub const ATTR_FREQ: u64 = 1 << 10;
/// `watermark` bit of [`PerfEventAttr::flags`].
pub const ATTR_WATERMARK: u64 = 1 << 14;

/// `use_clockid` bit of [`PerfEventAttr::flags`]: times are of [`PerfEventAttr::clockid`].
pub const ATTR_USE_CLOCKID: u64 = 1 << 25;

/// `struct perf_event_attr`, complete up to `config3`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PerfEventAttr {
    /// PMU type.
    pub kind: u32,
    /// Bytes of this struct that the kernel may look at; [`PerfEventAttr::new`] sets it.
    pub size: u32,
    /// Event within the PMU.
    pub config: u64,
    /// `sample_period`, or `sample_freq` with [`ATTR_FREQ`].
    pub sample: u64,
    /// `PERF_SAMPLE_*` bits.
    pub sample_type: u64,
    /// `PERF_FORMAT_*` bits.
    pub read_format: u64,
    /// The bit-field word: [`ATTR_DISABLED`] and its kin.
    pub flags: u64,
    /// `wakeup_events`, or `wakeup_watermark`.
    pub wakeup: u32,
    /// `bp_type`.
    pub bp_type: u32,
    /// `config1`; address of the function's or file's name for the probe PMUs.
    pub config1: u64,
    /// `config2`; offset for the probe PMUs.
    pub config2: u64,
    /// `PERF_SAMPLE_BRANCH_*` bits.
    pub branch_sample_type: u64,
    /// User registers to sample.
    pub sample_regs_user: u64,
    /// Bytes of user stack to sample.
    pub sample_stack_user: u32,
    /// Clock of the time stamps.
    pub clockid: i32,
    /// Registers at the interrupt to sample.
    pub sample_regs_intr: u64,
    /// AUX area wakeup.
    pub aux_watermark: u32,
    /// Frames per callchain.
    pub sample_max_stack: u16,
    /// Reserved by the kernel.
    pub reserved_2: u16,
    /// Bytes of AUX per sample.
    pub aux_sample_size: u32,
    /// Reserved by the kernel.
    pub reserved_3: u32,
    /// `sig_data`.
    pub sig_data: u64,
    /// `config3`.
    pub config3: u64,
}
const _: () = assert!(size_of::<PerfEventAttr>() == 136);

// SAFETY: only integers, their sizes add up to the asserted size, so there is no padding.
unsafe impl Pod for PerfEventAttr {}

impl PerfEventAttr {
    /// An event of PMU `kind`; everything else zero.
    ///
    /// Kernels older than the newest member accept it as long as those members stay zero.
    pub fn new(kind: u32, config: u64) -> Self {
        Self { kind, size: size_of::<Self>() as u32, config, ..Self::default() }
    }

    /// What `bpf_perf_event_output` writes to, waking the reader after so many events. Samples have times,
    /// of the clock of `bpf_ktime_get_ns`, which all CPUs share.
    pub fn bpf_output(wakeup: u32) -> Self {
        Self {
            sample: 1,
            sample_type: SAMPLE_TIME | SAMPLE_RAW,
            flags: ATTR_USE_CLOCKID,
            clockid: CLOCK_MONOTONIC,
            wakeup,
            ..Self::new(TYPE_SOFTWARE, SW_BPF_OUTPUT)
        }
    }
}

/// What a probe PMU needs to know.
#[derive(Debug, Clone, Copy)]
pub struct ProbeTarget<'a> {
    /// Function name (kprobe) or file (uprobe).
    pub name: &'a CStr,
    /// Bytes from the function's start, or file offset.
    pub offset: u64,
    /// Fires on return.
    pub on_return: bool,
    /// Semaphore's file offset (uprobe), 0 for none.
    pub ref_ctr_offset: u32,
}

/// Opens an event. `pid` -1 is every process, `cpu` -1 every CPU, `group` -1 none.
///
/// # Errors
/// What `perf_event_open(2)` says.
pub fn open(attr: &PerfEventAttr, pid: i32, cpu: i32, group: RawFd) -> Result<OwnedFd, SysError> {
    const FLAG_FD_CLOEXEC: libc::c_ulong = 8;
    // SAFETY: `attr` is a live, fully initialised struct of the size it states; the kernel only
    // reads it, and reads (never writes) through the addresses that config1 and config2 may hold.
    let ret = unsafe {
        libc::syscall(
            libc::SYS_perf_event_open,
            std::ptr::from_ref(attr),
            pid,
            cpu,
            group,
            FLAG_FD_CLOEXEC,
        )
    };
    if ret < 0 {
        return Err(SysError::last("perf_event_open"));
    }
    // SAFETY: the kernel has just made this descriptor for us; nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(ret as RawFd) })
}

/// Opens an event of the `kprobe` or `uprobe` PMU.
///
/// # Errors
/// What `perf_event_open(2)` says: `ENOENT` or `EINVAL` for a place that cannot be probed.
pub fn open_probe(
    pmu: &ProbePmu,
    target: &ProbeTarget<'_>,
    pid: i32,
    cpu: i32,
) -> Result<OwnedFd, SysError> {
    let mut attr = PerfEventAttr::new(pmu.kind, 0);
    if target.on_return {
        attr.config |= 1 << pmu.retprobe_bit;
    }
    attr.config |= u64::from(target.ref_ctr_offset) << 32;
    attr.sample = 1;
    attr.wakeup = 1;
    attr.config1 = target.name.as_ptr() as u64;
    attr.config2 = target.offset;
    open(&attr, pid, cpu, -1)
}

/// A PMU of sysfs that makes probes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProbePmu {
    /// PMU type.
    pub kind: u32,
    /// Bit of `config` that asks for a return probe.
    pub retprobe_bit: u32,
}

impl ProbePmu {
    /// Reads the `kprobe` or `uprobe` PMU's description; `None` when the kernel has none.
    pub fn read(name: &str) -> Option<Self> {
        let root = format!("/sys/bus/event_source/devices/{name}");
        let kind = std::fs::read_to_string(format!("{root}/type")).ok()?.trim().parse().ok()?;
        let format = std::fs::read_to_string(format!("{root}/format/retprobe")).ok()?;
        Some(Self { kind, retprobe_bit: parse_config_bit(&format)? })
    }
}

/// `config:0` → 0.
fn parse_config_bit(text: &str) -> Option<u32> {
    let bit = text.trim().strip_prefix("config:")?.parse().ok()?;
    (bit < 64).then_some(bit)
}

const IOC_ENABLE: libc::c_ulong = 0x2400;
const IOC_DISABLE: libc::c_ulong = 0x2401;
const IOC_SET_BPF: libc::c_ulong = 0x4004_2408;

fn ioctl(
    fd: BorrowedFd<'_>,
    request: libc::c_ulong,
    value: libc::c_ulong,
    call: &'static str,
) -> Result<(), SysError> {
    // SAFETY: the three requests used here take an integer, never a pointer; `fd` is open for the
    // length of the borrow.
    let ret = unsafe { libc::ioctl(fd.as_raw_fd(), request as _, value) };
    if ret < 0 { Err(SysError { call, errno: Errno::last() }) } else { Ok(()) }
}

/// Starts the event.
///
/// # Errors
/// What the ioctl says.
pub fn enable(event: BorrowedFd<'_>) -> Result<(), SysError> {
    ioctl(event, IOC_ENABLE, 0, "ioctl(PERF_EVENT_IOC_ENABLE)")
}

/// Stops the event.
///
/// # Errors
/// What the ioctl says.
pub fn disable(event: BorrowedFd<'_>) -> Result<(), SysError> {
    ioctl(event, IOC_DISABLE, 0, "ioctl(PERF_EVENT_IOC_DISABLE)")
}

/// Nanoseconds that an event opened with [`FORMAT_TOTAL_TIME_ENABLED`] alone was enabled for.
///
/// # Errors
/// What `read(2)` says; `EIO` for another format.
pub fn time_enabled(event: BorrowedFd<'_>) -> Result<u64, SysError> {
    let mut bytes = [0; 16];
    let read =
        nix::unistd::read(event, &mut bytes).map_err(|errno| SysError { call: "read", errno })?;
    let [_count, time] = <[u64; 2]>::from_bytes(&bytes[..read])
        .ok_or(SysError { call: "read", errno: Errno::EIO })?;
    Ok(time)
}

/// Runs `program` on the event.
///
/// # Errors
/// `EINVAL` when the program's type does not fit, `EEXIST` when the event has one already.
pub fn set_bpf(event: BorrowedFd<'_>, program: BorrowedFd<'_>) -> Result<(), SysError> {
    let value = program.as_raw_fd() as libc::c_ulong;
    ioctl(event, IOC_SET_BPF, value, "ioctl(PERF_EVENT_IOC_SET_BPF)")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;

    #[test]
    fn config_bit_is_read_from_its_format_file() {
        assert_eq!(parse_config_bit("config:0\n"), Some(0));
        assert_eq!(parse_config_bit("config:5"), Some(5));
        assert_eq!(parse_config_bit("config:64"), None);
        assert_eq!(parse_config_bit("config1:0"), None);
    }

    #[test]
    fn unknown_pmu_type_is_enoent() {
        let err = open(&PerfEventAttr::new(0x00ff_fff0, 0), 0, -1, -1).unwrap_err();
        assert!(matches!(err.errno, Errno::ENOENT | Errno::EACCES), "{err}");
    }

    #[test]
    fn software_event_of_this_thread_opens_and_switches() {
        let mut attr = PerfEventAttr::new(TYPE_SOFTWARE, 9);
        attr.flags = ATTR_DISABLED;
        match open(&attr, 0, -1, -1) {
            Ok(fd) => {
                enable(fd.as_fd()).unwrap();
                disable(fd.as_fd()).unwrap();
            }
            Err(e) => assert_eq!(e.errno, Errno::EACCES),
        }
    }
}
