//! Messages between the library and the compiler: a length, then postcard bytes.

use super::{CompileError, CompileOutput};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::io::{self, Read, Write};

/// Hash of the sources of this crate: library and compiler must agree on it.
pub const BUILD_ID: &str = env!("BCC_BUILD_ID");

/// First message of a compiler.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// The [`BUILD_ID`] it was built with.
    pub build_id: String,
}

/// Answer to one request.
pub type Answer = Result<CompileOutput, CompileError>;

/// More than any module; a larger length means that the other side does not speak this protocol.
const LIMIT: usize = 256 << 20;

/// Writes one message.
///
/// # Errors
/// Whatever the writer says.
pub fn write(to: &mut impl Write, message: &impl Serialize) -> io::Result<()> {
    let bytes = postcard::to_stdvec(message).map_err(io::Error::other)?;
    let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
    to.write_all(&length.to_le_bytes())?;
    to.write_all(&bytes)?;
    to.flush()
}

/// Reads one message; `None` at the end of the stream.
///
/// # Errors
/// Whatever the reader says; `InvalidData` for bytes that are no such message.
pub fn read<T: DeserializeOwned>(from: &mut impl Read) -> io::Result<Option<T>> {
    let mut length = [0; 4];
    match from.read_exact(&mut length) {
        Ok(()) => {}
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(e) => return Err(e),
    }
    let length = u32::from_le_bytes(length) as usize;
    if length > LIMIT {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "message too long"));
    }
    let mut bytes = Vec::new();
    from.take(length as u64).read_to_end(&mut bytes)?;
    if bytes.len() < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let message = postcard::from_bytes(&bytes);
    message.map(Some).map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_survives_the_pipe() {
        let mut pipe = Vec::new();
        write(&mut pipe, &Hello { build_id: "b".into() }).unwrap();
        let back: Option<Hello> = read(&mut pipe.as_slice()).unwrap();
        assert_eq!(back, Some(Hello { build_id: "b".into() }));
    }

    #[test]
    fn a_cut_message_is_an_error_and_an_empty_stream_is_not() {
        let mut pipe = Vec::new();
        write(&mut pipe, &Hello { build_id: "b".into() }).unwrap();
        pipe.pop();
        assert!(read::<Hello>(&mut pipe.as_slice()).is_err());
        assert!(read::<Hello>(&mut [].as_slice()).unwrap().is_none());
        assert!(read::<Hello>(&mut [255_u8; 8].as_slice()).is_err());
    }
}
