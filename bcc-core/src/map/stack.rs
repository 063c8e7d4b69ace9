//! Stack traces: addresses, or build-ids with offsets, by the id that `get_stackid` gave.

use super::{Map, MapError};
use bcc_sys::bpf::MapType;
use bcc_sys::bpf::cmd::map_flags;

/// One frame of a stack kept by build-id (`BPF_STACK_TRACE_BUILDID`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BuildIdFrame {
    /// An offset in the file with this build-id.
    File {
        /// Build-id.
        build_id: [u8; 20],
        /// Byte offset in the file.
        offset: u64,
    },
    /// An address whose file's build-id could not be read.
    Address(u64),
}

/// Bytes of a `struct bpf_stack_build_id`: status, build-id, offset or address.
const BUILD_ID_FRAME: usize = 32;
const STATUS_VALID: i32 = 1;
const STATUS_IP: i32 = 2;

/// A view of a `BPF_STACK_TRACE` table.
#[derive(Clone, Debug)]
pub struct StackTraces {
    map: Map,
}

impl StackTraces {
    /// Checks the type.
    ///
    /// # Errors
    /// [`MapError::Type`] when the map holds no stack traces.
    pub fn new(map: Map) -> Result<Self, MapError> {
        if map.map_type() == MapType::STACK_TRACE {
            return Ok(Self { map });
        }
        let (map_type, map) = (map.map_type(), map.name().to_owned());
        Err(MapError::Type { map, map_type, wanted: "stack trace map" })
    }

    /// The map in bytes.
    pub fn map(&self) -> &Map {
        &self.map
    }

    /// Whether frames are build-ids and offsets instead of addresses.
    pub fn by_build_id(&self) -> bool {
        self.map.info().flags & map_flags::STACK_BUILD_ID != 0
    }

    /// Addresses of a stack, the innermost first; `None` for an id that is not there. Negative ids are
    /// errors of `get_stackid` and never there.
    ///
    /// # Errors
    /// [`MapError::Type`] when the map keeps build-ids; see [`Map::lookup`].
    pub fn addresses(&self, id: i32) -> Result<Option<Vec<u64>>, MapError> {
        self.expect(false, "stack trace map by address")?;
        let Some(frames) = self.frames(id)? else { return Ok(None) };
        let words = frames.as_chunks::<8>().0.iter().map(|word| u64::from_ne_bytes(*word));
        Ok(Some(words.take_while(|address| *address != 0).collect()))
    }

    /// Frames of a stack kept by build-id, the innermost first; `None` for an id that is not there.
    ///
    /// # Errors
    /// [`MapError::Type`] when the map keeps addresses; see [`Map::lookup`].
    pub fn build_ids(&self, id: i32) -> Result<Option<Vec<BuildIdFrame>>, MapError> {
        self.expect(true, "stack trace map by build-id")?;
        let Some(frames) = self.frames(id)? else { return Ok(None) };
        let frames = frames.as_chunks::<BUILD_ID_FRAME>().0.iter();
        Ok(Some(frames.map_while(build_id_frame).collect()))
    }

    /// Forgets a stack; false when it was not there.
    ///
    /// # Errors
    /// See [`Map::delete`].
    pub fn remove(&self, id: i32) -> Result<bool, MapError> {
        if id < 0 { Ok(false) } else { self.map.delete(&id.to_ne_bytes()) }
    }

    fn frames(&self, id: i32) -> Result<Option<Vec<u8>>, MapError> {
        if id < 0 { Ok(None) } else { self.map.lookup(&id.to_ne_bytes()) }
    }

    fn expect(&self, build_id: bool, wanted: &'static str) -> Result<(), MapError> {
        if self.by_build_id() == build_id {
            return Ok(());
        }
        let (map, map_type) = (self.map.name().to_owned(), self.map.map_type());
        Err(MapError::Type { map, map_type, wanted })
    }
}

/// `None` at the end of the stack.
fn build_id_frame(frame: &[u8; BUILD_ID_FRAME]) -> Option<BuildIdFrame> {
    let status = i32::from_ne_bytes(*frame.first_chunk()?);
    let value = u64::from_ne_bytes(*frame.last_chunk()?);
    match status {
        STATUS_VALID => {
            let build_id = *frame[4..].first_chunk()?;
            Some(BuildIdFrame::File { build_id, offset: value })
        }
        STATUS_IP => Some(BuildIdFrame::Address(value)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn build_id_frames_are_decoded() {
        let mut frame = [0; BUILD_ID_FRAME];
        assert_eq!(build_id_frame(&frame), None);
        frame[..4].copy_from_slice(&STATUS_VALID.to_ne_bytes());
        frame[4..24].copy_from_slice(&[7; 20]);
        frame[24..].copy_from_slice(&0x1234u64.to_ne_bytes());
        let file = BuildIdFrame::File { build_id: [7; 20], offset: 0x1234 };
        assert_eq!(build_id_frame(&frame), Some(file));
        frame[..4].copy_from_slice(&STATUS_IP.to_ne_bytes());
        assert_eq!(build_id_frame(&frame), Some(BuildIdFrame::Address(0x1234)));
    }
}
