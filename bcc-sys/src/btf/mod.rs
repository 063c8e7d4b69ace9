//! BPF Type Format: reading by type id, an index by name, questions about structs.
//!
//! file → [`Bytes`] → [`Btf`] (types by id, decoded on request) → [`Index`] (types by name).

mod bytes;
mod index;
pub mod lookup;
mod reader;
#[cfg(test)]
mod tests;
mod types;
pub mod wire;
mod words;

pub use bytes::Bytes;
pub use index::{Cache, Found, Index};
pub use reader::Btf;
pub use types::{Composite, Enum, FuncProto, Int, Member, Modifier, Type, TypeId};
pub use wire::BtfError;
