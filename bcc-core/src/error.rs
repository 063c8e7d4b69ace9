//! The crate's one error, made of each area's own.

/// Any failure of this crate; match on the area, then on the area's variant.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No module came of the text.
    #[error(transparent)]
    Compile(#[from] crate::compile::CompileError),
}
