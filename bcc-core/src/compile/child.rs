//! The compiler in a process of its own.
//!
//! request → pipe → `bcc-compiler` → pipe → answer. LLVM's memory goes with that process, and so does
//! whatever a text makes it do: 100 kB of legal C can overflow clang's stack.

use super::frame::{self, Answer, BUILD_ID, Hello};
use super::{CompileError, CompileOutput, CompileRequest, Compiler};
use goblin::elf;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, poll};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::signal::Signal;
use std::fs::File;
use std::io::{BufReader, ErrorKind, Read, Seek, Write};
use std::os::fd::AsFd;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::OnceLock;

/// Name of the executable that is looked for.
pub const EXECUTABLE: &str = "bcc-compiler";

/// The child allocates 30 MB and ends: one arena that grows by much at a time, in huge pages where the
/// machine has them, costs it a third of the page faults.
const TUNABLES: &str =
    "glibc.malloc.arena_max=1:glibc.malloc.top_pad=33554432:glibc.malloc.hugetlb=1";

static HOME: OnceLock<PathBuf> = OnceLock::new();

/// Names a directory that holds the compiler, such as the Python package's own. Only the first call counts.
pub fn set_home(directory: PathBuf) {
    // A second package in the same process keeps the first one's compiler.
    drop(HOME.set(directory));
}

static STOP: OnceLock<fn() -> bool> = OnceLock::new();

/// Names a function that is asked every tenth of a second of a compile, and after signals, whether to give
/// it up: [`CompileError::Interrupted`]. Only the first call counts.
pub fn set_stop(stop: fn() -> bool) {
    // The first one's program is the one that waits.
    let _is_first = STOP.set(stop);
}

/// Starts the compiler executable for each compile.
#[derive(Debug, Clone)]
pub struct ChildCompiler {
    executable: PathBuf,
}

impl ChildCompiler {
    /// Uses the executable at `path`; a name without a directory is looked for in `$PATH`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        // It is started in the directory of the request.
        let absolute = std::path::absolute(&path).ok().filter(|_| path.components().count() > 1);
        Self { executable: absolute.unwrap_or(path) }
    }

    /// Looks for the executable: `$BCC_COMPILER`, the directory of [`set_home`], beside this program
    /// and in the two directories above it (as cargo lays out examples and tests),
    /// `/usr/libexec/bcc`, `$PATH`.
    ///
    /// # Errors
    /// [`CompileError::NotFound`] with the places tried.
    pub fn locate() -> Result<Self, CompileError> {
        if let Some(path) = std::env::var_os("BCC_COMPILER") {
            return Ok(Self::new(path));
        }
        let mut places: Vec<PathBuf> = HOME.get().cloned().into_iter().collect();
        if let Ok(program) = std::env::current_exe() {
            places.extend(program.ancestors().skip(1).take(3).map(Path::to_path_buf));
        }
        places.push("/usr/libexec/bcc".into());
        places.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
        let found = places.iter().map(|p| p.join(EXECUTABLE)).find(|p| p.is_file());
        found.map(Self::new).ok_or_else(|| CompileError::NotFound {
            tried: places.iter().map(|p| p.display().to_string()).collect::<Vec<_>>().join(", "),
        })
    }

    /// Starts the compiler in `cwd`, from where relative names lead.
    fn start(&self, stderr: &File, cwd: &Path) -> Result<Child, CompileError> {
        let stderr = stderr.try_clone().map_err(|e| io_error("duplicate a descriptor", &e))?;
        let mut command = Command::new(&self.executable);
        // A request from another machine may name a directory that is only there.
        if cwd.is_dir() {
            command.current_dir(cwd);
        }
        command
            .env("GLIBC_TUNABLES", TUNABLES)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn()
            .map_err(|e| io_error(&format!("start {}", self.executable.display()), &e))
    }

    fn stale(&self, theirs: String) -> CompileError {
        CompileError::Stale {
            path: self.executable.display().to_string(),
            theirs,
            ours: BUILD_ID.to_owned(),
        }
    }
}

impl Compiler for ChildCompiler {
    fn compile(&self, request: &CompileRequest) -> Result<CompileOutput, CompileError> {
        // A file in memory instead of a pipe: it cannot fill up and stop the child.
        let stderr = memfd_create(c"bcc-compiler-stderr", MFdFlags::MFD_CLOEXEC)
            .map_err(|e| io_error("create a memory file", &e.into()))?;
        let mut stderr = File::from(stderr);
        let mut child = Guard(self.start(&stderr, &request.cwd)?);
        match talk(&mut child.0, request) {
            Ok(Reply::Answer(answer)) => *answer,
            Ok(Reply::Stale(theirs)) => Err(self.stale(theirs)),
            Err(error) if error.kind() == GIVEN_UP => Err(CompileError::Interrupted),
            Ok(Reply::Nothing) | Err(_) => {
                let status = child.0.wait();
                let mut stderr = tail(&mut stderr);
                if overflowed(&status, &stderr) {
                    stderr = "an expression or a nesting is too deep for clang".to_owned();
                }
                Err(CompileError::CompilerDied { how: describe(status), stderr })
            }
        }
    }

    fn id(&self) -> Result<Vec<u8>, CompileError> {
        build_id(&self.executable)
            .map_err(|e| io_error(&format!("read {}", self.executable.display()), &e))
    }
}

enum Reply {
    Answer(Box<Answer>),
    Stale(String),
    Nothing,
}

fn talk(child: &mut Child, request: &CompileRequest) -> std::io::Result<Reply> {
    let gone = || std::io::Error::from(ErrorKind::BrokenPipe);
    let mut to = child.stdin.take().ok_or_else(gone)?;
    let mut from = BufReader::new(Patient(child.stdout.take().ok_or_else(gone)?));
    // Written before the greeting is read: the request waits in the pipe while the child starts.
    // One that no longer fits the pipe's buffer waits for the child to read it.
    let sent = frame::write(&mut to, request);
    drop(to);
    let hello = match frame::read::<Hello>(&mut from) {
        Ok(Some(hello)) => hello,
        Err(error) if error.kind() == GIVEN_UP => return Err(error),
        Ok(None) | Err(_) => return Ok(Reply::Nothing),
    };
    if hello.build_id != BUILD_ID {
        return Ok(Reply::Stale(hello.build_id));
    }
    sent?;
    Ok(frame::read::<Answer>(&mut from)?.map_or(Reply::Nothing, |a| Reply::Answer(Box::new(a))))
}

/// What reading says when [`set_stop`]'s function does not want to wait.
const GIVEN_UP: ErrorKind = ErrorKind::ConnectionAborted;

/// What the compiler says, unless it is given up before.
struct Patient(ChildStdout);

impl Read for Patient {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let Some(stop) = STOP.get() else { return self.0.read(buffer) };
        loop {
            let mut fds = [PollFd::new(self.0.as_fd(), PollFlags::POLLIN)];
            match poll(&mut fds, 100u8) {
                Ok(0) | Err(Errno::EINTR) if stop() => return Err(GIVEN_UP.into()),
                Ok(0) | Err(Errno::EINTR) => {}
                _ => return self.0.read(buffer),
            }
        }
    }
}

/// Ends the child with the request, whatever happened.
struct Guard(Child);

impl Drop for Guard {
    fn drop(&mut self) {
        if !matches!(self.0.try_wait(), Ok(Some(_))) {
            // It has answered or never will. Both calls fail only when it is gone already.
            drop(self.0.kill());
            drop(self.0.wait());
        }
    }
}

fn io_error(what: &str, error: &std::io::Error) -> CompileError {
    CompileError::Io { what: what.to_owned(), error: error.to_string() }
}

/// What clang's recursion does when it leaves the stack: Rust's own threads say so and abort.
fn overflowed(status: &std::io::Result<ExitStatus>, stderr: &str) -> bool {
    let signal =
        |signal| status.as_ref().is_ok_and(|status| status.signal() == Some(signal as i32));
    signal(Signal::SIGSEGV) && stderr.is_empty()
        || signal(Signal::SIGABRT) && stderr.contains("has overflowed its stack")
}

fn describe(status: std::io::Result<ExitStatus>) -> String {
    match status {
        Ok(status) => match (status.signal(), status.code()) {
            (Some(number), _) => {
                let name = Signal::try_from(number).map_or("?", |s| s.as_str());
                format!("signal {number} ({name})")
            }
            (None, code) => format!("exit status {}", code.unwrap_or_default()),
        },
        // The program reaps children it does not know, or ignores SIGCHLD.
        Err(_) => "status unknown".to_owned(),
    }
}

fn tail(stderr: &mut File) -> String {
    let mut bytes = Vec::new();
    if stderr.rewind().is_err() || stderr.read_to_end(&mut bytes).is_err() {
        return String::new();
    }
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(3)..].join("; ")
}

/// The `NT_GNU_BUILD_ID` of an ELF executable, from its first pages only.
///
/// # Errors
/// When the file cannot be read or has no such note.
pub fn build_id(executable: &Path) -> std::io::Result<Vec<u8>> {
    let invalid = |what: &str| std::io::Error::new(ErrorKind::InvalidData, what.to_owned());
    let mut head = Vec::new();
    File::open(executable)?.take(16 << 10).read_to_end(&mut head)?;
    let elf = elf::Elf::parse_header(&head).map_err(|e| invalid(&e.to_string()))?;
    let container = if elf.e_ident[elf::header::EI_CLASS] == elf::header::ELFCLASS64 {
        goblin::container::Container::Big
    } else {
        goblin::container::Container::Little
    };
    let context = goblin::container::Ctx::new(container, goblin::container::Endian::default());
    let offset = usize::try_from(elf.e_phoff).map_err(|_ignored| invalid("program headers"))?;
    let headers = elf::ProgramHeader::parse(&head, offset, usize::from(elf.e_phnum), context)
        .map_err(|e| invalid(&e.to_string()))?;
    let mut whole = elf::Elf::lazy_parse(elf).map_err(|e| invalid(&e.to_string()))?;
    whole.program_headers = headers;
    for note in whole.iter_note_headers(&head).into_iter().flatten().flatten() {
        if note.n_type == elf::note::NT_GNU_BUILD_ID && note.name.trim_end_matches('\0') == "GNU" {
            return Ok(note.desc.to_vec());
        }
    }
    Err(invalid("no build-id note"))
}

/// The compiler's side: greets, then answers requests until the stream ends.
///
/// # Errors
/// When the library went away or sent something else than a request.
pub fn serve(
    from: &mut impl Read,
    to: &mut impl Write,
    compiler: &dyn Compiler,
) -> std::io::Result<()> {
    frame::write(to, &Hello { build_id: BUILD_ID.to_owned() })?;
    while let Some(request) = frame::read::<CompileRequest>(from)? {
        frame::write(to, &compiler.compile(&request))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_is_no_compiler_has_died() {
        let error = ChildCompiler::new("/bin/false").compile(&CompileRequest::default());
        let Err(CompileError::CompilerDied { how, .. }) = error else { panic!("{error:?}") };
        assert_eq!(how, "exit status 1");
    }

    #[test]
    fn an_absent_compiler_is_named() {
        let error = ChildCompiler::new("/nonexistent/cc").compile(&CompileRequest::default());
        let Err(CompileError::Io { what, .. }) = error else { panic!("{error:?}") };
        assert!(what.contains("/nonexistent/cc"), "{what}");
    }

    #[test]
    fn this_test_has_a_build_id() {
        let id = build_id(&std::env::current_exe().unwrap()).unwrap();
        assert_eq!(id.len(), 20);
    }
}
