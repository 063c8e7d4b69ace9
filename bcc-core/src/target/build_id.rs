//! The note that names one build of a kernel.

/// The `NT_GNU_BUILD_ID` in the bytes of ELF notes (`/sys/kernel/notes`, a `.notes` section).
pub fn notes_build_id(notes: &[u8]) -> Option<Vec<u8>> {
    const NT_GNU_BUILD_ID: usize = 3;
    let mut at = 0usize;
    loop {
        let word = |i: usize| {
            let bytes = notes.get(at + i * 4..at + i * 4 + 4)?;
            Some(u32::from_ne_bytes(bytes.try_into().ok()?) as usize)
        };
        let (name_len, desc_len, kind) = (word(0)?, word(1)?, word(2)?);
        let name_at = at + 12;
        let desc_at = name_at.checked_add(name_len.checked_next_multiple_of(4)?)?;
        let desc = notes.get(desc_at..desc_at.checked_add(desc_len)?)?;
        if kind == NT_GNU_BUILD_ID && notes.get(name_at..name_at + name_len)? == b"GNU\0" {
            return Some(desc.to_vec());
        }
        at = desc_at.checked_add(desc_len.checked_next_multiple_of(4)?)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(kind: u32, name: &[u8], desc: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        for word in [name.len() as u64, desc.len() as u64, u64::from(kind)] {
            out.extend_from_slice(&word.to_ne_bytes()[..4]);
        }
        for part in [name, desc] {
            out.extend_from_slice(part);
            out.resize(out.len().next_multiple_of(4), 0);
        }
        out
    }

    #[test]
    fn the_build_id_is_found_behind_other_notes() {
        let notes = [note(1, b"Linux\0", b"abc"), note(3, b"GNU\0", &[7; 20])].concat();
        assert_eq!(notes_build_id(&notes), Some(vec![7; 20]));
        assert_eq!(notes_build_id(&notes[..notes.len() - 1]), None);
        assert_eq!(notes_build_id(&[0xff; 64]), None);
    }
}
