//! Texts of addresses that were asked for before: stacks are of few places, named by the million.

use pyo3::prelude::*;
use pyo3::types::PyBytes;
use std::sync::{Mutex, PoisonError};

/// How many texts are kept; they must not grow with what a program sees.
const SLOTS: usize = 4096;

/// What a text depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Question {
    /// Process, below 0 the kernel.
    pub(crate) pid: i32,
    /// How the address is shown, as bits.
    pub(crate) shown: u8,
    pub(crate) address: u64,
    /// Changes when earlier answers may not hold any more.
    pub(crate) generation: u64,
}

impl Question {
    /// Where its answer is, and a tag that few others of that place have.
    fn place(self) -> (usize, u16) {
        let key = self.address ^ u64::from(self.pid.cast_unsigned()) << 48;
        // The upper bits of the product are the well mixed ones.
        let [.., low, high, a, b] = key.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes();
        (usize::from(u16::from_le_bytes([low, high])) % SLOTS, u16::from_le_bytes([a, b]))
    }
}

/// Answers at the places of their questions.
#[derive(Debug)]
struct Texts {
    /// Of the last question at each place. Small enough for the processor's cache, so that addresses
    /// in a row, none of them asked for twice, cost next to nothing here.
    tags: Vec<u16>,
    answers: Vec<Option<(Question, Py<PyBytes>)>>,
}

static KNOWN: Mutex<Texts> = Mutex::new(Texts { tags: Vec::new(), answers: Vec::new() });

/// The answer given before, if no other question took its place.
pub(crate) fn known<'py>(py: Python<'py>, question: Question) -> Option<Bound<'py, PyBytes>> {
    let known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let (place, tag) = question.place();
    if *known.tags.get(place)? != tag {
        return None;
    }
    let (asked, text) = known.answers[place].as_ref()?;
    (*asked == question).then(|| text.bind(py).clone())
}

/// Keeps an answer, if its question was the last at its place before too.
pub(crate) fn keep(question: Question, text: &Bound<'_, PyBytes>) {
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if known.tags.is_empty() {
        known.tags.resize(SLOTS, 0);
        known.answers.resize_with(SLOTS, || None);
    }
    let (place, tag) = question.place();
    if known.tags[place] == tag {
        known.answers[place] = Some((question, text.clone().unbind()));
    }
    known.tags[place] = tag;
}
