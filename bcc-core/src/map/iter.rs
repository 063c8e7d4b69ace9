//! Walking keys while the kernel writes.

use super::{Bytes, Map, MapError};
use std::collections::HashSet;

/// Walks that the kernel starts over (the key we stood on was deleted) are given up after this many
/// keys seen again in a row per key the map can hold.
const PATIENCE: usize = 4;

/// Iterator over a map's keys, see [`Map::keys`].
#[derive(Debug)]
pub struct Keys<'a> {
    map: &'a Map,
    /// Looked up before the key in front of it is handed out, so that the caller may delete that one.
    next: Option<Bytes>,
    started: bool,
    /// Hash maps start over when the key asked with is gone; arrays never do.
    seen: Option<HashSet<Bytes>>,
}

impl<'a> Keys<'a> {
    pub(super) fn new(map: &'a Map) -> Self {
        let seen = (!map.map_type().is_array()).then(HashSet::new);
        Self { map, next: None, started: false, seen }
    }

    /// The next key after `from` that was not handed out yet.
    fn advance(&mut self, from: Option<&[u8]>) -> Result<Option<Bytes>, MapError> {
        let mut next = self.map.next_key(from)?;
        let Some(seen) = &mut self.seen else { return Ok(next) };
        let mut patience = PATIENCE.saturating_mul(seen.len().saturating_add(16));
        while let Some(key) = next {
            if seen.insert(key.clone()) {
                return Ok(Some(key));
            }
            if patience == 0 {
                return Ok(None);
            }
            patience -= 1;
            next = self.map.next_key(Some(&key))?;
        }
        Ok(None)
    }
}

impl Iterator for Keys<'_> {
    type Item = Result<Bytes, MapError>;

    fn next(&mut self) -> Option<Self::Item> {
        if !self.started {
            self.started = true;
            match self.advance(None) {
                Ok(first) => self.next = first,
                Err(error) => return Some(Err(error)),
            }
        }
        let current = self.next.take()?;
        match self.advance(Some(&current)) {
            Ok(next) => self.next = next,
            Err(error) => return Some(Err(error)),
        }
        Some(Ok(current))
    }
}
