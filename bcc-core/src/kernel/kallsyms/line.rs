//! One line of the list, taken apart.

/// One line of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::kernel) struct Line<'a> {
    pub(in crate::kernel) address: u64,
    pub(in crate::kernel) kind: u8,
    pub(in crate::kernel) name: &'a str,
    /// Empty for the kernel itself.
    pub(in crate::kernel) module: &'a str,
}

/// Address, type and name, then for modules a tab and `[module]`.
pub(in crate::kernel) fn parse_line(line: &[u8]) -> Option<Line<'_>> {
    let RawLine { address, kind, name, module } = RawLine::parse(line)?;
    let (name, module) = (std::str::from_utf8(name).ok()?, std::str::from_utf8(module).ok()?);
    Some(Line { address, kind, name, module })
}

/// As [`Line`], whatever bytes the names are of.
pub(super) struct RawLine<'a> {
    pub(super) address: u64,
    pub(super) kind: u8,
    pub(super) name: &'a [u8],
    pub(super) module: &'a [u8],
}

impl<'a> RawLine<'a> {
    pub(super) fn parse(line: &'a [u8]) -> Option<Self> {
        let mut address = 0u64;
        let mut digits = 0;
        for &byte in line {
            let digit = match byte {
                b'0'..=b'9' => byte - b'0',
                b'a'..=b'f' => byte - b'a' + 10,
                _ => break,
            };
            address = address << 4 | u64::from(digit);
            digits += 1;
        }
        let (&[before, kind, after], rest) = line.get(digits..)?.split_first_chunk::<3>()?;
        if !(1..=16).contains(&digits) || (before, after) != (b' ', b' ') {
            return None;
        }
        let end = rest.iter().position(|&byte| byte == b'\t' || byte == b' ');
        let (name, module) = rest.split_at(end.unwrap_or(rest.len()));
        let is_frame = |byte: &u8| matches!(byte, b'[' | b']' | b' ' | b'\t');
        let start = module.iter().position(|byte| !is_frame(byte)).unwrap_or(module.len());
        let end = module.iter().rposition(|byte| !is_frame(byte)).map_or(start, |last| last + 1);
        (!name.is_empty()).then_some(Self { address, kind, name, module: &module[start..end] })
    }
}
