//! Texts that C functions hand out pointers to.

use std::collections::HashSet;
use std::ffi::{CString, c_char};
use std::sync::{Mutex, PoisonError};

/// Texts that live as long as their owner.
#[derive(Debug, Default)]
pub(crate) struct Texts(Mutex<HashSet<CString>>);

impl Texts {
    /// A pointer to the text that is good while this lives; null for what has a NUL inside.
    pub(crate) fn keep(&self, text: impl AsRef<[u8]>) -> *const c_char {
        let Ok(text) = CString::new(text.as_ref()) else { return std::ptr::null() };
        let mut texts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !texts.contains(&text) {
            texts.insert(text.clone());
        }
        texts.get(&text).map_or(std::ptr::null(), |kept| kept.as_ptr())
    }
}
