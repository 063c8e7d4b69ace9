//! Where members of a struct are, and the padding that puts the next one where BTF says.

use super::spell::line;
use bcc_sys::btf::Member;

/// Where the next member would go.
pub(super) struct Place {
    pub(super) bit: u32,
    pub(super) packed: bool,
    /// Pads written so far in the whole text: anonymous structs share their parents' names.
    pub(super) pads: u32,
}

impl Place {
    /// Pads up to `member`, unless C puts it there anyway.
    pub(super) fn reach(&mut self, body: &mut String, member: &Member<'_>, unit: u32) {
        let natural = match member.bit_width {
            _ if self.packed && member.bit_width.is_none() => self.bit.next_multiple_of(8),
            None => self.bit.next_multiple_of(unit),
            Some(_) if self.packed => self.bit,
            Some(width) if self.bit / unit == (self.bit + width - 1) / unit => self.bit,
            Some(_) => self.bit.next_multiple_of(unit),
        };
        if natural != member.bit_offset {
            self.pad(body, member.bit_offset);
        }
    }

    pub(super) fn pad(&mut self, body: &mut String, to: u32) {
        let bits = to.saturating_sub(self.bit);
        let head = bits.min(self.bit.next_multiple_of(8) - self.bit);
        let (bytes, tail) = ((bits - head) / 8, (bits - head) % 8);
        if head > 0 {
            line(body, format_args!("\tunsigned char : {head};\n"));
        }
        if bytes > 0 {
            line(body, format_args!("\tchar __bcc_pad{}[{bytes}];\n", self.pads));
            self.pads += 1;
        }
        if tail > 0 {
            line(body, format_args!("\tunsigned char : {tail};\n"));
        }
        self.bit = to.max(self.bit);
    }
}
