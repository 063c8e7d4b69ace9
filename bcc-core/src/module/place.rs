//! From an instruction to the user's `file:line`, by line info and the BTF's strings.

/// Bytes of one `bpf_line_info`: instruction, file, line text, line << 10 | column.
const RECORD: usize = 16;

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// A string of the BTF, by its offset.
fn string(btf: &[u8], offset: u32) -> Option<&str> {
    let header = u32_at(btf, 4)?;
    let strings = header.checked_add(u32_at(btf, 16)?)?;
    let start = strings.checked_add(offset)? as usize;
    let rest = btf.get(start..)?;
    let end = rest.iter().position(|b| *b == 0)?;
    std::str::from_utf8(&rest[..end]).ok()
}

/// One record, decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line<'a> {
    /// First instruction of the line.
    pub insn: u32,
    /// File.
    pub file: &'a str,
    /// Text, when the compiler put it in.
    pub text: &'a str,
    /// 1-based.
    pub number: u32,
}

/// All records of a program, in order of instructions.
pub fn lines<'a>(btf: &'a [u8], line_info: &'a [u8]) -> impl Iterator<Item = Line<'a>> {
    line_info.chunks_exact(RECORD).filter_map(move |record| {
        Some(Line {
            insn: u32_at(record, 0)?,
            file: string(btf, u32_at(record, 4)?)?,
            text: string(btf, u32_at(record, 8)?).unwrap_or_default(),
            number: u32_at(record, 12)? >> 10,
        })
    })
}

/// `file:line` of instruction `insn`.
pub(super) fn place(btf: &[u8], line_info: &[u8], insn: usize) -> Option<String> {
    let before = lines(btf, line_info).filter(|line| line.insn as usize <= insn);
    let line = before.last().filter(|line| line.number > 0)?;
    Some(format!("{}:{}", line.file, line.number))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[u32]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_ne_bytes()).collect()
    }

    #[test]
    fn the_line_before_an_instruction_is_its_place() {
        // Header of 24 bytes: magic and version, its length, types, strings.
        let mut btf = words(&[0x0001_eb9f, 24, 0, 0, 0, 9]);
        btf.extend_from_slice(b"\0a.c\0x=1\0");
        let info = words(&[0, 1, 5, 3 << 10, 4, 1, 5, (9 << 10) | 2]);
        assert_eq!(place(&btf, &info, 3).as_deref(), Some("a.c:3"));
        assert_eq!(place(&btf, &info, 100).as_deref(), Some("a.c:9"));
        assert_eq!(lines(&btf, &info).next().unwrap().text, "x=1");
        assert_eq!(place(&btf[..20], &info, 3), None);
    }
}
