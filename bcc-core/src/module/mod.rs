//! A compiled module in the kernel: create maps, relocate, load on demand, attach by name.
//!
//! [`ModuleSpec`] → [`Module::load`] (BTF, maps) → [`Module::load_program`] (relocate, `PROG_LOAD`).

mod attach;
pub mod autoattach;
mod bpf;
mod builder;
pub mod matching;
pub mod place;
mod relocate;
mod struct_ops;

pub use bpf::{Bpf, LinkId, Matches};
pub use builder::BpfBuilder;

use crate::compile::CompileError;
use crate::map::create::{self, Context};
use crate::map::{Map, MapError};
use crate::program::kind::{self, Hook};
use crate::program::load::{self, Options};
use crate::program::target::{KernelFunction, KernelFunctions, find};
use crate::program::{LoadError, Program};
use crate::spec::{ModuleSpec, ProgramSpec};
use bcc_sys::bpf::call::{ProgLoad, btf_load};
use bcc_sys::bpf::{AttachType, ProgType};
use std::collections::HashMap;
use std::ffi::CString;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, Once, PoisonError};

/// Verifier log for every load (`DEBUG_BPF`).
pub const DEBUG_BPF: u32 = 0x2;
/// Verifier log with register states (`DEBUG_BPF_REGISTER_STATE`).
pub const DEBUG_BPF_REGISTER_STATE: u32 = 0x10;

/// How to bring a module into the kernel.
#[derive(Clone)]
pub struct LoadOptions {
    /// `DEBUG_*` bits; those about compiling are ignored here.
    pub debug: u32,
    /// Whether the memlock limit may be raised on kernels that account to it (before 5.11).
    pub allow_rlimit: bool,
    /// Network device that maps and programs are offloaded to.
    pub device: Option<String>,
    /// Namespace of `BPF_TABLE_SHARED` tables.
    pub maps_namespace: String,
    /// Where kernel functions are looked up.
    pub functions: Arc<dyn KernelFunctions>,
    /// Compiles the module's text anew, by [`CompileRequest::by_helper`]: tried where the verifier refuses
    /// a program whose pointers it follows by their types.
    ///
    /// [`CompileRequest::by_helper`]: crate::compile::CompileRequest::by_helper
    pub recompile: Option<Recompile>,
}

/// See [`LoadOptions::recompile`].
pub type Recompile = Arc<dyn Fn() -> Result<ModuleSpec, CompileError> + Send + Sync>;

impl std::fmt::Debug for LoadOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LoadOptions")
            .field("debug", &self.debug)
            .field("allow_rlimit", &self.allow_rlimit)
            .field("device", &self.device)
            .field("maps_namespace", &self.maps_namespace)
            .finish_non_exhaustive()
    }
}

impl Default for LoadOptions {
    fn default() -> Self {
        Self {
            debug: 0,
            allow_rlimit: true,
            device: None,
            maps_namespace: String::new(),
            functions: Arc::new(crate::program::target::RunningKernel::default()),
            recompile: None,
        }
    }
}

/// What a program is loaded as.
struct Destination<'a> {
    name: &'a str,
    prog_type: ProgType,
    attach_type: AttachType,
    /// What it is attached to, where the kernel wants to know that now.
    target: Option<KernelFunction>,
}

/// A [`ModuleSpec`] in the kernel: its maps open, its programs loaded when first asked for.
#[derive(Debug)]
pub struct Module {
    spec: Arc<ModuleSpec>,
    options: LoadOptions,
    ifindex: u32,
    btf: Option<OwnedFd>,
    btf_refusal: Option<String>,
    maps: Vec<Map>,
    programs: Mutex<HashMap<ProgramKey, Arc<Program>>>,
}

/// Programs by name; those loaded beside the plain one, by their attach type too.
type ProgramKey = (String, Option<AttachType>);

impl Module {
    /// Loads the module's BTF, creates its maps and fills those with initial data. Programs come later.
    ///
    /// # Errors
    /// [`MapError`] of the first map that fails; nothing is left then.
    pub fn load(spec: impl Into<Arc<ModuleSpec>>, options: LoadOptions) -> Result<Self, MapError> {
        static ONCE: Once = Once::new();
        ONCE.call_once(remove_stale);
        let spec = spec.into();
        let ifindex = match &options.device {
            Some(device) => device_index(device)?,
            None => 0,
        };
        let (btf, btf_refusal) = match load_btf(&spec.btf) {
            Ok(btf) => (btf, None),
            Err(why) => (None, Some(why)),
        };
        let context = Context {
            btf: btf.as_ref().map(AsFd::as_fd),
            ifindex,
            allow_rlimit: options.allow_rlimit,
            namespace: &options.maps_namespace,
        };
        let maps = create::all(&spec.maps, &context)?;
        Ok(Self { spec, options, ifindex, btf, btf_refusal, maps, programs: Mutex::default() })
    }

    /// The compiled module.
    pub fn spec(&self) -> &ModuleSpec {
        &self.spec
    }

    /// The map of that C name.
    pub fn map(&self, name: &str) -> Option<&Map> {
        self.maps.iter().find(|map| map.name() == name)
    }

    /// All maps, in the order of their definition.
    pub fn maps(&self) -> &[Map] {
        &self.maps
    }

    /// The module's BTF in the kernel, where the kernel took it.
    pub fn btf(&self) -> Option<BorrowedFd<'_>> {
        self.btf.as_ref().map(AsFd::as_fd)
    }

    /// What the kernel did not like about the module's BTF, if it did not take it.
    pub fn btf_refusal(&self) -> Option<&str> {
        self.btf_refusal.as_deref()
    }

    fn program_spec(&self, name: &str) -> Result<&ProgramSpec, LoadError> {
        program_of(&self.spec, name)
    }

    /// Loads a program, or returns the one loaded before under this name: the type of the first call wins.
    /// Without a type, the name's prefix or the section says it; without an attach type, the prefix.
    ///
    /// # Errors
    /// [`LoadError`].
    pub fn load_program(
        &self,
        name: &str,
        prog_type: Option<ProgType>,
        attach_type: Option<AttachType>,
    ) -> Result<Arc<Program>, LoadError> {
        self.cached((name.to_owned(), None), prog_type, attach_type)
    }

    /// Loads a program once more for another way of attaching it (`kprobe_multi` and `uprobe_multi` need
    /// their own attach type at load), beside the one of [`Self::load_program`].
    ///
    /// # Errors
    /// [`LoadError`].
    pub fn load_program_for(
        &self,
        name: &str,
        prog_type: ProgType,
        attach_type: AttachType,
    ) -> Result<Arc<Program>, LoadError> {
        let key = (name.to_owned(), Some(attach_type));
        self.cached(key, Some(prog_type), Some(attach_type))
    }

    fn cached(
        &self,
        key: ProgramKey,
        prog_type: Option<ProgType>,
        attach_type: Option<AttachType>,
    ) -> Result<Arc<Program>, LoadError> {
        // Held during the load, so that two threads do not load the same program twice.
        let mut programs = self.programs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(program) = programs.get(&key) {
            return Ok(Arc::clone(program));
        }
        let program = Arc::new(self.load_new(&key.0, prog_type, attach_type)?);
        programs.insert(key, Arc::clone(&program));
        Ok(program)
    }

    /// Forgets a loaded program; it leaves the kernel when nothing is attached and no handle is left.
    pub fn unload_program(&self, name: &str) -> bool {
        let mut programs = self.programs.lock().unwrap_or_else(PoisonError::into_inner);
        let before = programs.len();
        programs.retain(|(known, _), _| known != name);
        programs.len() < before
    }

    /// The instructions of a program with map descriptors patched in, as `dump_func` gives them.
    ///
    /// # Errors
    /// [`LoadError::Unknown`], [`LoadError::Relocation`].
    pub fn dump(&self, name: &str) -> Result<Vec<u8>, LoadError> {
        let programs = self.programs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(program) = programs.get(&(name.to_owned(), None)) {
            return Ok(program.insns().to_vec());
        }
        Ok(self.relocated(self.program_spec(name)?)?.insns)
    }

    fn relocated(&self, program: &ProgramSpec) -> Result<relocate::Relocated, LoadError> {
        let needs_kfunc =
            |r: &crate::spec::Relocation| matches!(r.kind, crate::spec::RelocationKind::Kfunc(_));
        let modules = if program.relocations.iter().any(needs_kfunc) {
            crate::program::target::modules_with_btf()
        } else {
            Vec::new()
        };
        relocate::relocate(program, &self.maps, self.options.functions.as_ref(), &modules)
    }

    fn load_new(
        &self,
        name: &str,
        prog_type: Option<ProgType>,
        attach_type: Option<AttachType>,
    ) -> Result<Program, LoadError> {
        let spec = self.program_spec(name)?;
        let by_name = kind::classify(name, &spec.section);
        let no_type = || LoadError::NoType { program: name.to_owned() };
        let prog_type = prog_type.or(by_name.map(|(ty, _)| ty)).ok_or_else(no_type)?;
        let by_name = by_name.filter(|(ty, _)| *ty == prog_type).and_then(|(_, attach)| attach);
        let mut attach_type = attach_type.or(by_name).unwrap_or(AttachType(0));
        let functions = self.options.functions.as_ref();
        let named = kind::named(name).filter(|named| named.kind.prog_type == prog_type);
        let target = named.and_then(|named| Some((named, named.btf_target()?)));
        let target = target.map(|(named, target)| find(functions, name, named.module, &target));
        let mut target = target.transpose()?;
        if let Some(named) = named.filter(|named| named.kind.hook == Hook::StructOps) {
            let (member, btf_id) = struct_ops::member_of(functions, name, &named)?;
            attach_type = AttachType(member);
            target = Some(KernelFunction { btf_id, module: None });
        }
        let destination = Destination { name, prog_type, attach_type, target };
        match self.load_code(&destination, &self.spec, self.btf()) {
            Err(refusal @ LoadError::Verifier { .. })
                if matches!(prog_type, ProgType::TRACING | ProgType::LSM) =>
            {
                self.load_by_helper(&destination).ok_or(refusal)
            }
            loaded => loaded,
        }
    }

    /// Another compile's code, in which helpers read kernel objects. Its own BTF is not loaded.
    fn load_by_helper(&self, destination: &Destination<'_>) -> Option<Program> {
        let module = self.options.recompile.as_ref()?().ok()?;
        let code = |spec: &ModuleSpec| spec.program(destination.name).map(|p| p.insns.clone());
        let maps = |spec: &ModuleSpec| -> Vec<(String, Option<Vec<u8>>)> {
            spec.maps.iter().map(|map| (map.name.clone(), map.data.clone())).collect()
        };
        let fits = maps(&module) == maps(&self.spec) && code(&module) != code(&self.spec);
        fits.then(|| self.load_code(destination, &module, None).ok()).flatten()
    }

    fn load_code(
        &self,
        destination: &Destination<'_>,
        module: &ModuleSpec,
        btf: Option<BorrowedFd<'_>>,
    ) -> Result<Program, LoadError> {
        let Destination { name, prog_type, attach_type, ref target } = *destination;
        let spec = program_of(module, name)?;
        let code = self.relocated(spec)?;
        let modules: Vec<BorrowedFd<'_>> = code.modules.iter().map(AsFd::as_fd).collect();
        let license =
            CString::new(self.spec.license.as_bytes().split(|b| *b == 0).next().unwrap_or(b""))
                .unwrap_or_default();
        let traced = matches!(prog_type, ProgType::TRACING | ProgType::EXT);
        let loaded = load::load(
            name,
            &ProgLoad {
                prog_type: prog_type.0,
                expected_attach_type: attach_type.0,
                insns: &code.insns,
                license: &license,
                kern_version: if traced { 0 } else { self.spec.kern_version },
                flags: 0,
                name: kind::kernel_name(name),
                ifindex: self.ifindex,
                btf,
                func_info: if btf.is_some() { &spec.func_info } else { &[] },
                line_info: if btf.is_some() { &spec.line_info } else { &[] },
                attach_btf_id: target.as_ref().map_or(0, |target| target.btf_id),
                attach_obj: target.as_ref().and_then(|t| t.module.as_ref()).map(AsFd::as_fd),
                fd_array: &modules,
            },
            Options { log_level: self.log_level(), allow_rlimit: self.options.allow_rlimit },
            |insn| place::place(&module.btf, &spec.line_info, insn),
        )?;
        Ok(Program {
            name: name.to_owned(),
            prog_type,
            attach_type,
            fd: loaded.fd,
            insns: code.insns,
            log: loaded.log,
        })
    }

    fn log_level(&self) -> u32 {
        if self.options.debug & DEBUG_BPF_REGISTER_STATE != 0 {
            2
        } else {
            u32::from(self.options.debug & DEBUG_BPF != 0)
        }
    }
}

fn program_of<'m>(module: &'m ModuleSpec, name: &str) -> Result<&'m ProgramSpec, LoadError> {
    module.program(name).ok_or_else(|| LoadError::Unknown {
        program: name.to_owned(),
        known: module.programs.iter().map(|program| program.name.clone()).collect(),
    })
}

/// What processes have left in tracefs that are gone (`kill -9`): done by whoever starts next.
fn remove_stale() {
    let probes = crate::link::remove_stale_probes();
    let instances = crate::kernel::tracepipe::remove_stale_instances();
    if probes + instances > 0 {
        log::debug!("removed {probes} stale probes and {instances} stale tracing instances");
    }
}

fn device_index(device: &str) -> Result<u32, MapError> {
    nix::net::if_::if_nametoindex(device).map_err(|errno| MapError::Device {
        device: device.to_owned(),
        source: bcc_sys::SysError { call: "if_nametoindex", errno },
    })
}

/// BTF that the kernel does not take is done without: maps lose their types, logs their source lines.
fn load_btf(btf: &[u8]) -> Result<Option<OwnedFd>, String> {
    if btf.is_empty() {
        return Ok(None);
    }
    match btf_load(btf, None) {
        Ok(fd) => Ok(Some(fd)),
        Err(error) => {
            let mut log = vec![0; 64 * 1024];
            // Only to learn why.
            let _again = btf_load(btf, Some(&mut log));
            let end = log.iter().position(|b| *b == 0).unwrap_or(log.len());
            let why = String::from_utf8_lossy(&log[..end]);
            let why =
                format!("the kernel does not take the module's BTF: {error}\n{}", why.trim_end());
            log::debug!("{why}");
            Err(why)
        }
    }
}
