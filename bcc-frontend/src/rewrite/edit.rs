//! Changes to a text: collected, sorted, applied once. None adds or removes a line.

use crate::source::LineIndex;
use std::collections::BTreeMap;
use std::ops::Range;

/// Replaces the bytes of `range` by `text`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// Bytes of the original text; empty for an insertion.
    pub range: Range<usize>,
    /// What goes there.
    pub text: String,
    /// Tells edits of the same bytes apart: where the expression begins that an insertion ends.
    owner: usize,
}

/// Two edits want the same bytes, or an edit has a line end in it or lies outside the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("edit of bytes {} to {} does not fit", .0.range.start, .0.range.end)]
pub struct EditError(pub Edit);

/// All edits of one file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EditSet {
    /// By start; insertions at one offset stay in the order they were added.
    edits: BTreeMap<usize, Vec<Edit>>,
}

/// One shift of a line: see [`crate::facts::ColumnMap`].
pub type Shift = (u32, u32, i32);

impl EditSet {
    /// Inserts `text` in front of `at`.
    pub fn insert(&mut self, at: usize, text: impl Into<String>) {
        self.replace(at..at, text);
    }

    /// Replaces the bytes of `range`. The same edit twice is one edit: a macro argument that is used
    /// twice is one piece of text.
    pub fn replace(&mut self, range: Range<usize>, text: impl Into<String>) {
        let edit = Edit { range, text: text.into(), owner: 0 };
        let at = self.edits.entry(edit.range.start).or_default();
        if !at.contains(&edit) {
            at.push(edit);
        }
    }

    /// Inserts at `end`, in front of what expressions around it insert there, the `text` that ends the
    /// expression beginning at `start`.
    pub fn close(&mut self, start: usize, end: usize, text: impl Into<String>) {
        let edit = Edit { range: end..end, text: text.into(), owner: start };
        let at = self.edits.entry(end).or_default();
        if !at.contains(&edit) {
            // Of two expressions that end here the inner one begins later.
            let outer = at.iter().position(|e| e.range.is_empty() && e.owner < start);
            at.insert(outer.unwrap_or(at.len()), edit);
        }
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.edits.is_empty()
    }

    /// The changed text, and how columns moved.
    ///
    /// # Errors
    /// [`EditError`] for edits that overlap, move a line, or lie outside.
    pub fn apply(&self, text: &[u8]) -> Result<(Vec<u8>, Vec<Shift>), EditError> {
        let lines = LineIndex::new(text);
        let mut out = Vec::with_capacity(text.len() + 32 * self.edits.len());
        let mut shifts = Vec::new();
        let mut done = 0;
        // Line of the last edit, and how far that edit and those before it moved its rest.
        let mut current = (0u32, 0i64);
        for edit in self.in_order() {
            let Range { start, end } = edit.range;
            let old = text.get(start..end);
            let old = old.filter(|old| {
                start >= done && !has_line_end(old) && !has_line_end(edit.text.as_bytes())
            });
            let Some(old) = old else { return Err(EditError(edit.clone())) };
            out.extend_from_slice(&text[done..start]);
            out.extend_from_slice(edit.text.as_bytes());
            done = end;
            let (line, column) = lines.place(end);
            if current.0 != line {
                current = (line, 0);
            }
            let by =
                i64::try_from(edit.text.len()).unwrap_or(0) - i64::try_from(old.len()).unwrap_or(0);
            current.1 += by;
            let new_column = u32::try_from(i64::from(column) + current.1).unwrap_or(1);
            shifts.push((line, new_column, i32::try_from(by).unwrap_or(0)));
        }
        out.extend_from_slice(&text[done..]);
        Ok((out, shifts))
    }

    /// By start; at one start, insertions before replacements.
    fn in_order(&self) -> impl Iterator<Item = &Edit> {
        self.edits.values().flat_map(|at| {
            let insertions = at.iter().filter(|e| e.range.is_empty());
            insertions.chain(at.iter().filter(|e| !e.range.is_empty()))
        })
    }
}

fn has_line_end(bytes: &[u8]) -> bool {
    bytes.iter().any(|c| matches!(c, b'\n' | b'\r'))
}

#[cfg(test)]
mod tests {
    use super::EditSet;
    use crate::facts::ColumnMap;

    #[test]
    fn columns_lead_back_to_the_original() {
        let mut edits = EditSet::default();
        edits.insert(0, "bcc_lookup(");
        edits.replace(1..2, "");
        edits.replace(2..8, "");
        edits.replace(8..9, ", ");
        let (out, shifts) = edits.apply(b"t.lookup(&k) + 1;\nx").expect("edits fit");
        assert_eq!(String::from_utf8_lossy(&out), "bcc_lookup(t, &k) + 1;\nx");
        let shifts = shifts.into_iter().map(|(l, c, by)| ("f".to_owned(), l, c, by)).collect();
        let map = ColumnMap { shifts };
        assert_eq!(map.original("f", 1, 15), 10, "the & of &k");
        assert_eq!(map.original("f", 1, 12), 1, "the table");
        assert_eq!(map.original("f", 2, 1), 1);
    }

    #[test]
    fn overlapping_edits_are_refused() {
        let mut edits = EditSet::default();
        edits.replace(0..3, "a");
        edits.replace(2..4, "b");
        assert!(edits.apply(b"01234").is_err());
    }

    #[test]
    fn no_edit_moves_a_line() {
        let mut edits = EditSet::default();
        edits.insert(1, "\n");
        assert!(edits.apply(b"01").is_err());
        let mut edits = EditSet::default();
        edits.replace(0..2, "");
        assert!(edits.apply(b"0\n1").is_err());
    }

    #[test]
    fn the_same_edit_twice_is_one() {
        let mut edits = EditSet::default();
        edits.insert(1, "x");
        edits.insert(1, "x");
        assert_eq!(edits.apply(b"01").expect("fits").0, b"0x1");
    }

    #[test]
    fn what_ends_an_inner_expression_comes_first() {
        let mut edits = EditSet::default();
        for _twice in 0..2 {
            edits.close(0, 3, ")");
            edits.close(1, 3, ", 1)");
            edits.close(2, 3, ")");
        }
        assert_eq!(edits.apply(b"012").expect("fits").0, b"012), 1))");
    }

    #[test]
    fn an_edit_outside_the_text_is_refused() {
        let mut edits = EditSet::default();
        edits.replace(1..9, "x");
        assert!(edits.apply(b"01").is_err());
    }
}
