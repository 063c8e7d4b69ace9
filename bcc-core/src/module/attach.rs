//! `attach_*` of [`Bpf`]: a program by its name to a hook; the link stays with the object.

use super::bpf::{Bpf, LinkId, Matches};
use super::matching::{self, Matched};
use crate::Error;
use crate::kernel::{functions, kallsyms};
use crate::link::kprobe::{self, KprobeOpts};
use crate::link::perf_event::{self, PerfEventOpts};
use crate::link::tc::{self, Direction};
use crate::link::uprobe::{self, UprobeOpts};
use crate::link::{prog_attach, raw_tp, socket, tracepoint, tracing, xdp};
use crate::program::kind::{Hook, KINDS};
use crate::symbol::{SymbolError, place};
use crate::usdt::{Usdt, with_semaphore};
use bcc_sys::bpf::{AttachType, ProgType};
use std::fs::File;
use std::os::fd::AsFd;
use std::path::Path;

impl Bpf {
    /// Attaches to the entry of a kernel function.
    ///
    /// # Errors
    /// [`Error::Load`], [`Error::Attach`].
    pub fn attach_kprobe(&mut self, program: &str, function: &str) -> Result<LinkId, Error> {
        let opts = KprobeOpts { function: function.to_owned(), ..Default::default() };
        self.attach_kprobe_with(program, &opts)
    }

    /// Attaches to the return of a kernel function.
    ///
    /// # Errors
    /// [`Error::Load`], [`Error::Attach`].
    pub fn attach_kretprobe(&mut self, program: &str, function: &str) -> Result<LinkId, Error> {
        let function = function.to_owned();
        self.attach_kprobe_with(
            program,
            &KprobeOpts { function, on_return: true, ..Default::default() },
        )
    }

    /// Attaches to a kernel function with all options.
    ///
    /// # Errors
    /// [`Error::Load`], [`Error::Attach`].
    pub fn attach_kprobe_with(
        &mut self,
        program: &str,
        opts: &KprobeOpts,
    ) -> Result<LinkId, Error> {
        let program = self.load_program(program, ProgType::KPROBE)?;
        let link = kprobe::attach(program.as_fd(), opts)?;
        Ok(self.hold(link))
    }

    /// Attaches to a place in a user program; at a USDT probe with a semaphore, that is counted up.
    ///
    /// ```no_run
    /// # fn demo(bpf: &mut bcc_core::Bpf) -> Result<(), bcc_core::Error> {
    /// use bcc_core::link::uprobe::UprobeOpts;
    ///
    /// let entry = UprobeOpts::function("c", "getaddrinfo", None)?;
    /// bpf.attach_uprobe("asked", &entry)?;
    /// bpf.attach_uprobe("answered", &UprobeOpts { on_return: true, ..entry })?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`Error::Load`], [`Error::Attach`].
    pub fn attach_uprobe(&mut self, program: &str, opts: &UprobeOpts) -> Result<LinkId, Error> {
        let program = self.load_program(program, ProgType::KPROBE)?;
        let link = uprobe::attach(program.as_fd(), &with_semaphore(opts.clone()))?;
        Ok(self.hold(link))
    }

    /// Attaches to the entry of every kernel function whose whole name matches `pattern`. Those that
    /// cannot be traced are skipped and come back by name.
    ///
    /// # Errors
    /// [`Error::Symbol`] for a bad pattern, [`Error::Load`], [`Error::Attach`] when none can be traced.
    pub fn attach_kprobes(&mut self, program: &str, pattern: &str) -> Result<Matches, Error> {
        let pattern = functions::whole(pattern).map_err(SymbolError::from)?;
        let functions: Vec<String> = functions::kprobe_functions(&pattern)
            .map_err(|source| Error::Io { path: kallsyms::PATH.into(), source })?
            .into_iter()
            .collect();
        let matched = matching::kprobes(self.module(), program, &functions, false)?;
        Ok(self.hold_all(matched))
    }

    /// Attaches to every function of a library or executable whose name matches `pattern` at its start;
    /// with `pid`, in that process only.
    ///
    /// # Errors
    /// [`Error::Symbol`] for a bad pattern or file, [`Error::Load`], [`Error::Attach`] when none can be
    /// traced.
    pub fn attach_uprobes(
        &mut self,
        program: &str,
        file: &str,
        pattern: &str,
        pid: Option<i32>,
    ) -> Result<Matches, Error> {
        let pattern = place::at_start(pattern)?;
        let functions = place::Module::open(file, pid)?;
        let offsets: Vec<u64> =
            functions.matching(&pattern).into_iter().map(|(place, _)| place.offset).collect();
        let path = functions.path();
        let matched = matching::uprobes(self.module(), program, path, &offsets, pid, false)?;
        Ok(self.hold_all(matched))
    }

    fn hold_all(&mut self, matched: Matched) -> Matches {
        let Matched { links, attached, skipped, .. } = matched;
        let links = links.into_iter().map(|link| self.hold(link)).collect();
        Matches { links, attached, skipped }
    }

    /// Attaches to a tracepoint.
    ///
    /// # Errors
    /// [`Error::Load`], [`Error::Attach`].
    pub fn attach_tracepoint(
        &mut self,
        program: &str,
        category: &str,
        event: &str,
    ) -> Result<LinkId, Error> {
        let program = self.load_program(program, ProgType::TRACEPOINT)?;
        let link = tracepoint::attach(program.as_fd(), category, event)?;
        Ok(self.hold(link))
    }

    /// Attaches to a raw tracepoint.
    ///
    /// # Errors
    /// [`Error::Load`], [`Error::Attach`].
    pub fn attach_raw_tracepoint(&mut self, program: &str, event: &str) -> Result<LinkId, Error> {
        let program = self.load_program(program, ProgType::RAW_TRACEPOINT)?;
        let link = raw_tp::attach(program.as_fd(), event)?;
        Ok(self.hold(link))
    }

    /// Attaches a program of `KFUNC_PROBE`, `KRETFUNC_PROBE`, `KMOD_RET` or `LSM_PROBE`; the prefix may
    /// be left out of `program`.
    ///
    /// # Errors
    /// [`Error::Load`], [`Error::Attach`].
    pub fn attach_tracing(&mut self, hook: Hook, program: &str) -> Result<LinkId, Error> {
        let prefix = KINDS.iter().find(|kind| kind.hook == hook).map_or("", |kind| kind.prefix);
        let name = match program.strip_prefix(prefix) {
            Some(_) => program.to_owned(),
            None => format!("{prefix}{program}"),
        };
        let program = self.module().load_program(&name, None, None)?;
        let link = tracing::attach(program.as_fd(), &name)?;
        Ok(self.hold(link))
    }

    /// Registers the programs of `BPF_STRUCT_OPS(name, …)` and `values` of the struct's data with the
    /// kernel, see [`super::Module::attach_struct_ops`].
    ///
    /// # Errors
    /// [`Error::Load`], [`Error::Attach`].
    pub fn attach_struct_ops(
        &mut self,
        name: &str,
        values: &[(&str, &[u8])],
    ) -> Result<LinkId, Error> {
        let link = self.module().attach_struct_ops(name, values)?;
        Ok(self.hold(link))
    }

    /// Attaches to a perf event.
    ///
    /// # Errors
    /// [`Error::Load`], [`Error::Attach`].
    pub fn attach_perf_event(
        &mut self,
        program: &str,
        opts: &PerfEventOpts,
    ) -> Result<LinkId, Error> {
        let program = self.load_program(program, ProgType::PERF_EVENT)?;
        let link = perf_event::attach(program.as_fd(), opts)?;
        Ok(self.hold(link))
    }

    /// Attaches to a device's XDP hook, which outlives the process unless detached.
    ///
    /// # Errors
    /// [`Error::Load`], [`Error::Attach`].
    pub fn attach_xdp(&mut self, program: &str, device: &str, flags: u32) -> Result<LinkId, Error> {
        let program = self.load_program(program, ProgType::XDP)?;
        let link = xdp::attach(program.as_fd(), device, flags)?;
        Ok(self.hold(link))
    }

    /// Attaches a socket filter to a packet socket on a device (all devices for the empty name).
    ///
    /// # Errors
    /// [`Error::Load`], [`Error::Attach`].
    pub fn attach_raw_socket(&mut self, program: &str, device: &str) -> Result<LinkId, Error> {
        let program = self.load_program(program, ProgType::SOCKET_FILTER)?;
        let link = socket::attach(program.as_fd(), device)?;
        Ok(self.hold(link))
    }

    /// Attaches to what a descriptor stands for, by `BPF_PROG_ATTACH`: a socket map, a cgroup.
    ///
    /// # Errors
    /// [`Error::Load`], [`Error::Attach`].
    pub fn attach_to(
        &mut self,
        program: &str,
        target: impl AsFd,
        (prog_type, attach_type): (ProgType, AttachType),
        flags: u32,
    ) -> Result<LinkId, Error> {
        let program = self.module().load_program(program, Some(prog_type), Some(attach_type))?;
        let link = prog_attach::attach(program.as_fd(), target.as_fd(), attach_type, flags)?;
        Ok(self.hold(link))
    }

    /// Attaches to a cgroup's directory, by link where the kernel has it.
    ///
    /// # Errors
    /// [`Error::Load`], [`Error::Attach`].
    pub fn attach_cgroup(
        &mut self,
        program: &str,
        path: impl AsRef<Path>,
        (prog_type, attach_type): (ProgType, AttachType),
    ) -> Result<LinkId, Error> {
        let program = self.module().load_program(program, Some(prog_type), Some(attach_type))?;
        let link = prog_attach::attach_cgroup(program.as_fd(), path.as_ref(), attach_type)?;
        Ok(self.hold(link))
    }

    /// Attaches to one side of a device by a tcx link.
    ///
    /// # Errors
    /// [`Error::Load`], [`Error::Attach`] also on kernels before 6.6: [`tc::attach`] works there.
    pub fn attach_tcx(
        &mut self,
        program: &str,
        device: &str,
        direction: Direction,
    ) -> Result<LinkId, Error> {
        let program = self.load_program(program, ProgType::SCHED_CLS)?;
        let link = tc::attach_tcx(program.as_fd(), device, direction)?;
        Ok(self.hold(link))
    }

    /// Runs the iterator program `bpf_iter__…` when the file that this returns is read to its end.
    ///
    /// # Errors
    /// [`Error::Load`], [`Error::Attach`].
    pub fn open_iterator(&self, program: &str) -> Result<File, Error> {
        let program = self.module().load_program(program, None, None)?;
        // The file keeps what it runs.
        let link = tracing::attach_iter(program.as_fd(), program.name(), &[])?;
        Ok(tracing::read_iter(&link)?)
    }

    /// Attaches the handlers of the enabled probes, as [`super::BpfBuilder::usdt`] had them compiled;
    /// `ignore_pid` attaches to every process.
    pub(super) fn attach_usdt(&mut self, usdt: Usdt, ignore_pid: bool) -> Result<(), Error> {
        for attachment in usdt.attachments(ignore_pid) {
            self.attach_uprobe(&attachment.function, &attachment.opts)?;
        }
        self.usdts.push(usdt);
        Ok(())
    }
}
