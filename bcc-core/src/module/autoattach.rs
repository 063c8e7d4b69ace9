//! Attaching by function name (`spec/dialect` §9): `kprobe__vfs_read` goes to `vfs_read`.

use super::Module;
use crate::Error;
use crate::kernel::syscalls::fix_function_name;
use crate::link::kprobe::{self, KprobeOpts};
use crate::link::{Link, raw_tp, tracepoint, tracing};
use crate::program::kind::{Hook, Named, named};
use std::os::fd::AsFd;

/// Attaches one program to what its name says; `None` when its name says nothing, or says something
/// that only the user attaches (`kmod_ret__`, `bpf_iter__`).
///
/// # Errors
/// [`Error::Load`] when it cannot be loaded, [`Error::Attach`] when it cannot be attached.
pub fn attach(module: &Module, program: &str) -> Result<Option<Link>, Error> {
    match named(program).filter(|named| named.kind.auto) {
        Some(named) => to(module, program, &named).map(Some),
        None => Ok(None),
    }
}

fn to(module: &Module, program: &str, named: &Named<'_>) -> Result<Link, Error> {
    let loaded = module.load_program(program, None, None)?;
    let fd = loaded.as_fd();
    let link = match named.kind.hook {
        Hook::Kprobe | Hook::Kretprobe => {
            let opts = KprobeOpts {
                function: fix_function_name(named.target),
                on_return: named.kind.hook == Hook::Kretprobe,
                ..Default::default()
            };
            kprobe::attach(fd, &opts)
        }
        Hook::Tracepoint => {
            let target = named.tracepoint();
            let (category, event) = target.split_once(':').unwrap_or((&target, ""));
            tracepoint::attach(fd, category, event)
        }
        Hook::RawTracepoint => raw_tp::attach(fd, named.target),
        Hook::BtfTracepoint
        | Hook::Fentry
        | Hook::Fexit
        | Hook::FmodRet
        | Hook::Lsm
        | Hook::Iter => tracing::attach(fd, named.target),
        // All functions of a struct at once: `Module::attach_struct_ops`.
        Hook::StructOps => return module.attach_struct_ops(named.module, &[]),
    };
    Ok(link?)
}

/// Attaches every program whose name says where to, in the order of their definition.
///
/// # Errors
/// That of the first one that fails; those before it are detached again.
pub fn attach_all(module: &Module) -> Result<Vec<(String, Link)>, Error> {
    let mut links = Vec::new();
    for program in &module.spec().programs {
        if let Some(link) = attach(module, &program.name)? {
            links.push((program.name.clone(), link));
        }
    }
    Ok(links)
}
