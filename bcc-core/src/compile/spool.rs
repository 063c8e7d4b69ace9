//! Compiles handed to another machine through a shared directory.
//!
//! A slow or compilerless machine (an emulated guest, a small board) writes `ID.req` and waits for
//! `ID.res`; where the directory is shared, `bcc-compiler serve` answers with the Target whose kernel
//! build-id the request names. Both sides poll: shared file systems do not pass on inotify.

use super::frame::{self, Answer, BUILD_ID, Hello};
use super::{CompileError, CompileOutput, CompileRequest, Compiler};
use crate::target::Target;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

const POLL: Duration = Duration::from_millis(4);
const PATIENCE: Duration = Duration::from_secs(120);

/// Name of the file in which the server says which compiler it is.
const SERVER: &str = "server";

/// Hands requests to whoever serves `directory`.
#[derive(Debug, Clone)]
pub struct SpoolCompiler {
    directory: PathBuf,
}

impl SpoolCompiler {
    /// Uses `directory`, as `BCC_COMPILE_SPOOL` names it.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into() }
    }

    fn exchange(&self, request: &CompileRequest) -> io::Result<Option<Answer>> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let next = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("{}-{next}", std::process::id());
        let answer = self.directory.join(format!("{name}.res"));
        publish(&self.directory, &format!("{name}.req"), request)?;
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if let Ok(mut file) = File::open(&answer) {
                let message = frame::read(&mut file);
                fs::remove_file(&answer)?;
                return message;
            }
            std::thread::sleep(POLL);
        }
        fs::remove_file(self.directory.join(format!("{name}.req")))?;
        Ok(None)
    }
}

impl Compiler for SpoolCompiler {
    fn compile(&self, request: &CompileRequest) -> Result<CompileOutput, CompileError> {
        match self.exchange(request) {
            Ok(Some(answer)) => answer,
            Ok(None) => Err(CompileError::CompilerDied {
                how: format!("no answer in {}", self.directory.display()),
                stderr: String::new(),
            }),
            Err(e) => Err(CompileError::Io {
                what: format!("hand a compile to {}", self.directory.display()),
                error: e.to_string(),
            }),
        }
    }

    fn id(&self) -> Result<Vec<u8>, CompileError> {
        let path = self.directory.join(SERVER);
        let unread = |e: io::Error| CompileError::Io {
            what: format!("read {}", path.display()),
            error: e.to_string(),
        };
        let mut file = File::open(&path).map_err(unread)?;
        let server: Option<(Hello, Vec<u8>)> = frame::read(&mut file).map_err(unread)?;
        match server {
            Some((hello, id)) if hello.build_id == BUILD_ID => Ok(id),
            other => Err(CompileError::Stale {
                path: path.display().to_string(),
                theirs: other.map_or_else(String::new, |(hello, _)| hello.build_id),
                ours: BUILD_ID.to_owned(),
            }),
        }
    }
}

/// Answers requests in `directory` until `stop` says so.
///
/// # Errors
/// When the directory cannot be read or written.
pub fn serve(
    directory: &Path,
    targets: &[Target],
    compiler: &dyn Compiler,
    stop: &dyn Fn() -> bool,
) -> io::Result<()> {
    let hello = Hello { build_id: BUILD_ID.to_owned() };
    publish(directory, SERVER, &(hello, compiler.id().map_err(io::Error::other)?))?;
    while !stop() {
        for entry in fs::read_dir(directory)?.flatten() {
            let path = entry.path();
            if path.extension().is_some_and(|e| e == "req") {
                answer(directory, &path, targets, compiler)?;
            }
        }
        std::thread::sleep(POLL);
    }
    Ok(())
}

fn answer(
    directory: &Path,
    path: &Path,
    targets: &[Target],
    compiler: &dyn Compiler,
) -> io::Result<()> {
    let request = File::open(path).and_then(|mut file| frame::read(&mut file));
    fs::remove_file(path)?;
    let answer: Answer = match request {
        Ok(Some(request)) => compile_for(request, targets, compiler),
        Ok(None) => Err(unreadable("the request is empty")),
        Err(e) => Err(unreadable(&e.to_string())),
    };
    let name = path.with_extension("res");
    let name = name.file_name().unwrap_or_default().to_string_lossy();
    publish(directory, &name, &answer)
}

fn unreadable(why: &str) -> CompileError {
    CompileError::Io { what: "read a spooled request".to_owned(), error: why.to_owned() }
}

fn compile_for(mut request: CompileRequest, targets: &[Target], compiler: &dyn Compiler) -> Answer {
    let wanted = &request.target;
    let Some(target) =
        targets.iter().find(|t| t.build_id == wanted.build_id && t.release == wanted.release)
    else {
        let message = format!("the compile server has no Target for kernel {}", wanted.release);
        return Err(CompileError::Target { message });
    };
    // The asking machine's own facts stay; the paths are this machine's.
    request.target = Target {
        online_cpus: wanted.online_cpus,
        possible_cpus: wanted.possible_cpus,
        page_size: wanted.page_size,
        ..target.clone()
    };
    compiler.compile(&request)
}

fn publish(directory: &Path, name: &str, message: &impl serde::Serialize) -> io::Result<()> {
    let temporary = directory.join(format!("{name}.tmp"));
    frame::write(&mut File::create(&temporary)?, message)?;
    fs::rename(temporary, directory.join(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicBool;

    struct Echo;

    impl Compiler for Echo {
        fn compile(&self, request: &CompileRequest) -> Result<CompileOutput, CompileError> {
            let mut output = CompileOutput::default();
            output.spec.rewritten = request.target.arch.clone();
            Ok(output)
        }
        fn id(&self) -> Result<Vec<u8>, CompileError> {
            Ok(vec![7])
        }
    }

    #[test]
    fn a_request_is_answered_with_the_servers_target_of_that_kernel() {
        let directory = tempfile::tempdir().unwrap();
        let target = Target { arch: "served".into(), build_id: vec![1], ..Target::default() };
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let serving = scope.spawn(|| {
                serve(directory.path(), &[target], &Echo, &|| done.load(Ordering::Relaxed))
            });
            let spool = SpoolCompiler::new(directory.path());
            let mut request = CompileRequest::default();
            request.target.build_id = vec![1];
            assert_eq!(spool.compile(&request).unwrap().spec.rewritten, "served");
            assert_eq!(spool.id().unwrap(), vec![7]);
            request.target.build_id = vec![2];
            assert!(matches!(spool.compile(&request), Err(CompileError::Target { .. })));
            done.store(true, Ordering::Relaxed);
            serving.join().unwrap().unwrap();
        });
    }
}
