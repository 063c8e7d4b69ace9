//! Kernel functions by name: the BTF ids that tracing, LSM and iterator programs, and kfunc calls, name.

use super::error::LoadError;
use super::privilege::{self, Need};
use super::struct_ops::StructOps;
use crate::target::Target;
use bcc_sys::SysError;
use bcc_sys::bpf::info::btf_info;
use bcc_sys::bpf::object::{ObjectKind, fd_by_id, ids};
use bcc_sys::btf::Index;
use nix::errno::Errno;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::OnceLock;

/// A function of the kernel or of one of its modules.
#[derive(Debug)]
pub struct KernelFunction {
    /// Type id in its BTF.
    pub btf_id: u32,
    /// The module's BTF; `None` for vmlinux.
    pub module: Option<OwnedFd>,
}

/// Where functions are looked up.
pub trait KernelFunctions: Send + Sync {
    /// The type id of function `name` (or of the typedef of a tracepoint's) in the BTF of `module` (`vmlinux` or a module's name); `None`
    /// when it is not there.
    ///
    /// # Errors
    /// [`LoadError::NoBtf`] when there is no such BTF.
    fn type_id(&self, module: &str, name: &str) -> Result<Option<u32>, LoadError>;

    /// The kernel struct of functions of that name; `None` when there is none.
    ///
    /// # Errors
    /// [`LoadError::NoBtf`] when the kernel has no BTF.
    fn struct_ops(&self, _name: &str) -> Result<Option<StructOps>, LoadError> {
        Ok(None)
    }
}

/// Looks up what `program` names.
///
/// # Errors
/// [`LoadError::Target`], [`LoadError::NoBtf`].
pub fn find(
    functions: &dyn KernelFunctions,
    program: &str,
    module: &str,
    name: &str,
) -> Result<KernelFunction, LoadError> {
    let btf_id = functions.type_id(module, name)?.ok_or_else(|| LoadError::Target {
        program: program.to_owned(),
        target: name.to_owned(),
        module: module.to_owned(),
    })?;
    let module = if module == "vmlinux" { None } else { Some(module_btf(module)?) };
    Ok(KernelFunction { btf_id, module })
}

/// Opens the BTF of a loaded module.
///
/// # Errors
/// [`LoadError::NoBtf`] when the module is not loaded, has none, or ids may not be listed.
pub fn module_btf(module: &str) -> Result<OwnedFd, LoadError> {
    let missing = |why: String| LoadError::NoBtf { module: module.to_owned(), why };
    let refused = |error: SysError| {
        let hint = privilege::parenthesised_hint(error.errno, Need::Admin);
        missing(format!("{error}{hint}"))
    };
    for id in ids(ObjectKind::Btf).map_err(refused)? {
        let fd = match fd_by_id(ObjectKind::Btf, id) {
            Ok(fd) => fd,
            // It went between the listing and here.
            Err(error) if error.errno == Errno::ENOENT => continue,
            Err(error) => return Err(refused(error)),
        };
        if btf_info(fd.as_fd()).is_ok_and(|info| info.kernel && info.name == module) {
            return Ok(fd);
        }
    }
    Err(missing(String::new()))
}

/// Names of the loaded modules that have BTF.
pub fn modules_with_btf() -> Vec<String> {
    let Ok(files) = std::fs::read_dir("/sys/kernel/btf") else { return Vec::new() };
    let names = files.filter_map(|file| file.ok()?.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(|name| name != "vmlinux").collect();
    names.sort();
    names
}

/// The running kernel's own BTF, read when first asked.
#[derive(Debug, Default)]
pub struct RunningKernel {
    vmlinux: OnceLock<Option<Index>>,
}

impl RunningKernel {
    fn target() -> Target {
        Target { index_cache: crate::compile::cache::directory(), ..Target::live() }
    }

    fn vmlinux(&self) -> Option<&Index> {
        self.vmlinux.get_or_init(|| Self::target().btf().ok()).as_ref()
    }
}

impl KernelFunctions for RunningKernel {
    fn struct_ops(&self, name: &str) -> Result<Option<StructOps>, LoadError> {
        let missing = || LoadError::NoBtf { module: "vmlinux".to_owned(), why: String::new() };
        Ok(StructOps::describe(self.vmlinux().ok_or_else(missing)?, name))
    }

    fn type_id(&self, module: &str, name: &str) -> Result<Option<u32>, LoadError> {
        let missing = |why: String| LoadError::NoBtf { module: module.to_owned(), why };
        let vmlinux = self.vmlinux().ok_or_else(|| missing(String::new()))?;
        if module == "vmlinux" {
            return Ok(function(vmlinux, name));
        }
        let loaded = Path::new("/sys/kernel/btf").join(module);
        if module.contains('/') || !loaded.is_file() {
            return Err(missing(String::new()));
        }
        let index = Self::target().module_btf(module, vmlinux.btf());
        let index = index.map_err(|error| missing(error.to_string()))?;
        Ok(function(&index, name))
    }
}

fn function(index: &Index, name: &str) -> Option<u32> {
    index.func(name).or_else(|| index.typedef(name)).map(|id| id.0)
}
