//! The crate's one error, made of each area's own.

/// Any failure of this crate; match on the area, then on the area's variant.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No module came of the text.
    #[error(transparent)]
    Compile(#[from] crate::compile::CompileError),
    /// A map could not be made or used.
    #[error(transparent)]
    Map(#[from] crate::map::MapError),
    /// A program could not be loaded or run.
    #[error(transparent)]
    Load(#[from] crate::program::LoadError),
    /// A program could not be attached.
    #[error(transparent)]
    Attach(#[from] crate::link::AttachError),
    /// Events could not be read.
    #[error(transparent)]
    Events(#[from] crate::events::EventError),
    /// A symbol, library or pattern could not be used.
    #[error(transparent)]
    Symbol(#[from] crate::symbol::SymbolError),
    /// A probe of a user program could not be found or used.
    #[error(transparent)]
    Usdt(#[from] crate::usdt::UsdtError),
    /// The kernel to compile for could not be read.
    #[error(transparent)]
    Target(#[from] crate::target::TargetError),
    /// A file of the user's could not be read.
    #[error("failed to read {}: {source}", path.display())]
    Io {
        /// The file.
        path: std::path::PathBuf,
        /// Why.
        source: std::io::Error,
    },
}
