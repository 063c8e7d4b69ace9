//! From C text to a running [`Bpf`].

use super::bpf::Bpf;
use super::{LoadOptions, Module};
use crate::Error;
use crate::compile::{self, CompileRequest, Compiler, MAIN_FILE, cache};
use crate::map::registry;
use crate::spec::ModuleSpec;
use crate::target::Target;
use crate::usdt::{self, Usdt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How to compile, load and attach; made by [`Bpf::builder`].
#[derive(Default)]
#[must_use = "a builder does nothing until it builds"]
pub struct BpfBuilder {
    cflags: Vec<String>,
    options: LoadOptions,
    compiler: Option<Arc<dyn Compiler>>,
    target: Option<Target>,
    kernel_source: Option<PathBuf>,
    preamble: String,
    usdts: Vec<Usdt>,
    ignore_pid: bool,
    manual: bool,
}

impl std::fmt::Debug for BpfBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BpfBuilder")
            .field("cflags", &self.cflags)
            .field("options", &self.options)
            .field("target", &self.target)
            .finish_non_exhaustive()
    }
}

impl BpfBuilder {
    /// Adds compiler arguments (`-DN=4`, `-I…`), after those given before.
    pub fn cflags<S: Into<String>>(mut self, cflags: impl IntoIterator<Item = S>) -> Self {
        self.cflags.extend(cflags.into_iter().map(Into::into));
        self
    }

    /// Sets the `DEBUG_*` bits.
    pub fn debug(mut self, debug: u32) -> Self {
        self.options.debug = debug;
        self
    }

    /// Offloads maps and programs to a network device.
    pub fn device(mut self, device: impl Into<String>) -> Self {
        self.options.device = Some(device.into());
        self
    }

    /// Whether the memlock limit may be raised on kernels before 5.11; it may unless this says no.
    pub fn allow_rlimit(mut self, allow: bool) -> Self {
        self.options.allow_rlimit = allow;
        self
    }

    /// Namespace of `BPF_TABLE_SHARED` tables, which modules of the same namespace see.
    pub fn maps_namespace(mut self, namespace: impl Into<String>) -> Self {
        self.options.maps_namespace = namespace.into();
        self
    }

    /// Compiles for this kernel instead of the running one.
    pub fn target(mut self, target: Target) -> Self {
        self.target = Some(target);
        self
    }

    /// Takes the kernel's types out of its headers in `directory` (a build directory) instead of its BTF.
    pub fn kernel_source(mut self, directory: impl Into<PathBuf>) -> Self {
        self.kernel_source = Some(directory.into());
        self
    }

    /// Compiles with this compiler (one linked into the program) instead of the compiler executable.
    pub fn compiler(mut self, compiler: impl Compiler + 'static) -> Self {
        self.compiler = Some(Arc::new(compiler));
        self
    }

    /// C text in front of the user's, whose lines do not count (generated USDT readers).
    pub fn preamble(mut self, text: impl Into<String>) -> Self {
        self.preamble = text.into();
        self
    }

    /// Compiles readers of the arguments of `usdt`'s enabled probes (`bpf_usdt_readarg`), and attaches
    /// their handlers; may be given several times.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), bcc_core::Error> {
    /// let mut python = bcc_core::usdt::Usdt::of_path("/usr/bin/python3")?;
    /// python.enable("python:gc__start", "started")?;
    /// let text = "int started(struct pt_regs *ctx) { bpf_trace_printk(\"gc\"); return 0; }";
    /// let bpf = bcc_core::Bpf::builder().usdt(python).build_from_text(text)?;
    /// # Ok(()) }
    /// ```
    pub fn usdt(mut self, usdt: Usdt) -> Self {
        self.usdts.push(usdt);
        self
    }

    /// Whether handlers of USDT probes run for every process rather than for the probes' own.
    pub fn attach_usdt_ignore_pid(mut self, ignore: bool) -> Self {
        self.ignore_pid = ignore;
        self
    }

    /// Attaches nothing by function name (`kprobe__…` and its kin).
    pub fn manual_attach(mut self) -> Self {
        self.manual = true;
        self
    }

    /// Compiles, loads, and attaches what has a name that says where to.
    ///
    /// # Errors
    /// [`Error::Compile`], [`Error::Map`], [`Error::Load`], [`Error::Attach`]; nothing is left then.
    pub fn build_from_text(self, text: impl AsRef<[u8]>) -> Result<Bpf, Error> {
        self.build(text.as_ref(), MAIN_FILE.to_owned())
    }

    /// As [`Self::build_from_text`], with the text of a file.
    ///
    /// # Errors
    /// [`Error::Io`] when the file cannot be read; see [`Self::build_from_text`].
    pub fn build_from_file(self, path: impl AsRef<Path>) -> Result<Bpf, Error> {
        let path = path.as_ref();
        let text =
            std::fs::read(path).map_err(|source| Error::Io { path: path.to_owned(), source })?;
        self.build(&text, path.to_string_lossy().into_owned())
    }

    /// Loads and attaches a module that is compiled already.
    ///
    /// # Errors
    /// [`Error::Map`], [`Error::Load`], [`Error::Attach`]; nothing is left then.
    pub fn build_from_spec(self, spec: impl Into<Arc<ModuleSpec>>) -> Result<Bpf, Error> {
        let mut bpf = Bpf::new(Module::load(spec, self.options)?);
        for usdt in self.usdts {
            bpf.attach_usdt(usdt, self.ignore_pid)?;
        }
        if !self.manual {
            bpf.attach_by_name()?;
        }
        Ok(bpf)
    }

    fn build(mut self, text: &[u8], file: String) -> Result<Bpf, Error> {
        if !self.usdts.is_empty() {
            let contexts: Vec<&Usdt> = self.usdts.iter().collect();
            self.preamble.push_str(&usdt::generate(&contexts)?);
        }
        let request = self.request(text, file)?;
        let compiler = self.compiler.clone();
        let compile = move |request: &CompileRequest| match &compiler {
            Some(compiler) => cache::compile(request, compiler.as_ref()),
            None => compile::compile_text(request),
        };
        let spec = compile(&request)?;
        self.options.recompile = Some(Arc::new(move || compile(&request.read_by_helper())));
        for warning in &spec.warnings {
            log::warn!("{warning}");
        }
        self.build_from_spec(spec)
    }

    fn request(&self, text: &[u8], file: String) -> Result<CompileRequest, Error> {
        let mut target = match &self.target {
            Some(target) => target.clone(),
            None => Target::running()?,
        };
        if self.kernel_source.is_some() {
            target.kernel_source.clone_from(&self.kernel_source);
        }
        Ok(CompileRequest {
            text: [self.preamble.as_bytes(), text].concat(),
            preamble_lines: u32::try_from(self.preamble.matches('\n').count()).unwrap_or(u32::MAX),
            file,
            cflags: [registry::compiler_flags(&self.options.maps_namespace), self.cflags.clone()]
                .concat(),
            cwd: std::env::current_dir().unwrap_or_default(),
            debug: self.options.debug,
            target,
            by_helper: false,
        })
    }
}
