//! Where an argument is: the operands that compilers put into probe notes.

use std::fmt;

/// One argument at one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Argument {
    /// Bytes: 1, 2, 4 or 8.
    pub size: u8,
    /// Whether it has a sign.
    pub signed: bool,
    /// Whether it is a floating-point number.
    pub float: bool,
    /// Where it is.
    pub operand: Operand,
}

/// Where an argument is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operand {
    /// It is this number.
    Constant(i64),
    /// In a register, by the assembler's name without `%`.
    Register(String),
    /// In memory.
    Memory {
        /// Register with the address.
        base: Option<String>,
        /// Register to add, and by what it is multiplied.
        index: Option<(String, u8)>,
        /// How much of that register counts.
        part: IndexPart,
        /// Bytes to add.
        offset: i64,
        /// Symbol to add: its address, or on arm64 with a base (`:lo12:`) the address within its page.
        symbol: Option<String>,
    },
    /// The address of a symbol plus so many bytes is the value.
    Address {
        /// Symbol.
        symbol: String,
        /// Bytes to add.
        offset: i64,
    },
    /// Not understood; the text of the note.
    Unknown(String),
}

/// How much of an index register counts; arm64 widens 32-bit ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum IndexPart {
    /// All of it.
    #[default]
    Whole,
    /// 32 bits with a sign (`sxtw`).
    SignedHalf,
    /// 32 bits without (`uxtw`).
    UnsignedHalf,
}

/// Assembler dialect, by machine type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dialect {
    /// `%reg`, `$1`, `8(%rbp,%rax,4)`: x86-64, s390x.
    Percent,
    /// `x0`, `[sp, 8]`, `1`: arm64.
    Brackets,
    /// `a0`, `8(sp)`, `1`: riscv64, powerpc64, loongarch64.
    Parentheses,
}

impl Dialect {
    fn of(machine: u16) -> Self {
        use goblin::elf::header::{EM_386, EM_AARCH64, EM_S390, EM_X86_64};
        match machine {
            EM_X86_64 | EM_386 | EM_S390 => Self::Percent,
            EM_AARCH64 => Self::Brackets,
            _ => Self::Parentheses,
        }
    }
}

impl Argument {
    /// The C type that holds it.
    pub fn ctype(&self) -> &'static str {
        match (self.size, self.signed) {
            (1, true) => "int8_t",
            (1, false) => "uint8_t",
            (2, true) => "int16_t",
            (2, false) => "uint16_t",
            (4, true) => "int32_t",
            (4, false) => "uint32_t",
            (_, true) => "int64_t",
            (_, false) => "uint64_t",
        }
    }
}

/// As notes have it, in one form for all machines.
impl fmt::Display for Argument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.signed { "-" } else { "" };
        write!(f, "{sign}{}{}@", self.size, if self.float { "f" } else { "" })?;
        match &self.operand {
            Operand::Constant(value) => write!(f, "${value}"),
            Operand::Register(name) => write!(f, "%{name}"),
            Operand::Address { symbol, offset } => write!(f, "${symbol}{offset:+}"),
            Operand::Unknown(text) => f.write_str(text),
            Operand::Memory { base, index, part, offset, symbol } => {
                if let Some(symbol) = symbol {
                    write!(f, "{symbol}")?;
                }
                match symbol {
                    Some(_) if *offset != 0 => write!(f, "{offset:+}")?,
                    None if *offset != 0 => write!(f, "{offset}")?,
                    _ => {}
                }
                write!(f, "(")?;
                if let Some(base) = base {
                    write!(f, "%{base}")?;
                }
                if let Some((index, scale)) = index {
                    let part = match part {
                        IndexPart::Whole => "",
                        IndexPart::SignedHalf => " sxtw",
                        IndexPart::UnsignedHalf => " uxtw",
                    };
                    write!(f, ",%{index}{part},{scale}")?;
                }
                write!(f, ")")
            }
        }
    }
}

/// Reads the argument text of a note of a file of type `machine` (`EM_*`).
///
/// What is not understood becomes [`Operand::Unknown`], so that the others keep their numbers.
pub fn parse_arguments(text: &str, machine: u16) -> Vec<Argument> {
    let dialect = Dialect::of(machine);
    split(text).into_iter().map(|(size, operand)| argument(size, operand, dialect)).collect()
}

/// Length of `N@`, `-Nf@` at the start of `text`.
fn size_prefix(text: &str) -> Option<usize> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let rest = digits.trim_start_matches(|c: char| c.is_ascii_digit());
    let has_digits = rest.len() < digits.len();
    let rest = rest.strip_prefix('f').unwrap_or(rest);
    (has_digits && rest.starts_with('@')).then(|| text.len() - rest.len() + 1)
}

/// Sizes and operands. Operands may hold blanks (`[x0, 8]`), so only a blank before a size parts.
fn split(text: &str) -> Vec<(&str, &str)> {
    let mut starts = Vec::new();
    let mut after_blank = true;
    for (at, byte) in text.bytes().enumerate() {
        if after_blank && text.is_char_boundary(at) && size_prefix(&text[at..]).is_some() {
            starts.push(at);
        }
        after_blank = byte == b' ' || byte == b'\t';
    }
    if starts.is_empty() {
        // Some assemblers leave the size out when it is the natural one.
        return text.split_ascii_whitespace().map(|word| ("", word)).collect();
    }
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    starts
        .iter()
        .zip(ends)
        .map(|(&start, end)| {
            let one = text[start..end].trim();
            one.split_at(size_prefix(one).unwrap_or(0))
        })
        .collect()
}

fn argument(prefix: &str, text: &str, dialect: Dialect) -> Argument {
    let size = prefix.trim_end_matches('@');
    let float = size.ends_with('f');
    let size = size.trim_end_matches('f');
    let signed = size.starts_with('-') || size.is_empty();
    let bytes = size.trim_start_matches('-');
    let unknown = || Operand::Unknown(text.to_owned());
    let size = match bytes {
        "" | "8" => 8,
        "1" => 1,
        "2" => 2,
        "4" => 4,
        _ => return Argument { size: 8, signed, float, operand: unknown() },
    };
    let operand = operand(text, dialect).unwrap_or_else(unknown);
    Argument { size, signed, float, operand }
}

fn operand(text: &str, dialect: Dialect) -> Option<Operand> {
    match dialect {
        Dialect::Percent => percent(text),
        Dialect::Brackets => brackets(text),
        Dialect::Parentheses => parentheses(text),
    }
}

/// Decimal, hexadecimal or octal, with a sign; the whole 64 bits.
fn number(text: &str) -> Option<i64> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    if !digits.as_bytes().first()?.is_ascii_digit() {
        return None;
    }
    let value = match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        Some(hex) => u64::from_str_radix(hex, 16).ok()?,
        None => digits.parse().ok()?,
    };
    let value = value.cast_signed();
    Some(if negative { value.wrapping_neg() } else { value })
}

fn is_symbol(text: &str) -> bool {
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '$' | '@');
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_' || c == '.')
        && text.chars().all(inner)
}

fn is_register(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// `8`, `sym`, `sym+8`, `8+sym`, `-8+sym`.
fn displacement(text: &str) -> Option<(Option<String>, i64)> {
    if text.is_empty() {
        return Some((None, 0));
    }
    if let Some(value) = number(text) {
        return Some((None, value));
    }
    if is_symbol(text) {
        return Some((Some(text.to_owned()), 0));
    }
    let sign = text.char_indices().skip(1).find(|(_, c)| matches!(c, '+' | '-'))?.0;
    let (left, right) = text.split_at(sign);
    if is_symbol(left) {
        return Some((Some(left.to_owned()), number(right)?));
    }
    let symbol = right.strip_prefix('+').filter(|symbol| is_symbol(symbol))?;
    Some((Some(symbol.to_owned()), number(left)?))
}

fn percent(text: &str) -> Option<Operand> {
    if matches!(text, "" | "$") {
        return None;
    }
    if let Some(constant) = text.strip_prefix('$') {
        return Some(match displacement(constant)? {
            (Some(symbol), offset) => Operand::Address { symbol, offset },
            (None, value) => Operand::Constant(value),
        });
    }
    let register = |text: &str| -> Option<String> {
        text.trim().strip_prefix('%').filter(|name| is_register(name)).map(str::to_owned)
    };
    if text.starts_with('%') {
        return register(text).map(Operand::Register);
    }
    let Some(open) = text.find('(') else {
        // s390x writes constants bare; a bare symbol is memory at it.
        return Some(match displacement(text)? {
            (None, value) => Operand::Constant(value),
            (symbol, offset) => memory(None, None, offset, symbol),
        });
    };
    let (symbol, offset) = displacement(text[..open].trim())?;
    let mut parts = text[open + 1..].strip_suffix(')')?.split(',');
    let base = match parts.next()?.trim() {
        "" => None,
        base => Some(register(base)?),
    };
    let index = match parts.next().map(str::trim) {
        None | Some("") => None,
        Some(index) => {
            let scale = match parts.next().map(str::trim) {
                None | Some("") => 1,
                Some(scale) => scale.parse().ok().filter(|s| matches!(s, 1 | 2 | 4 | 8))?,
            };
            Some((register(index)?, scale))
        }
    };
    if parts.next().is_some() || (base.is_none() && index.is_none()) {
        return None;
    }
    Some(memory(base, index, offset, symbol))
}

fn memory(
    base: Option<String>,
    index: Option<(String, u8)>,
    offset: i64,
    symbol: Option<String>,
) -> Operand {
    Operand::Memory { base, index, part: IndexPart::Whole, offset, symbol }
}

fn brackets(text: &str) -> Option<Operand> {
    let Some(inner) = text.strip_prefix('[') else {
        if let Some(value) = number(text.trim_start_matches('#')) {
            return Some(Operand::Constant(value));
        }
        return is_register(text).then(|| Operand::Register(text.to_owned()));
    };
    let inner = inner.strip_suffix(']')?;
    let (base, rest) = inner.split_once(',').unwrap_or((inner, ""));
    let base = Some(base.trim().to_owned()).filter(|base| is_register(base));
    base.as_ref()?;
    let rest = rest.trim();
    let bare = rest.trim_start_matches('#');
    if rest.is_empty() {
        return Some(memory(base, None, 0, None));
    }
    if let Some(value) = number(bare) {
        return Some(memory(base, None, value, None));
    }
    if let Some(symbol) = bare.strip_prefix(":lo12:") {
        let (symbol, offset) = displacement(symbol)?;
        return Some(memory(base, None, offset, Some(symbol?)));
    }
    let (index, how) = rest.split_once(',').unwrap_or((rest, ""));
    let index = Some(index.trim()).filter(|index| is_register(index))?;
    let (part, shift) = widened(how.trim())?;
    let scale = 1u8.checked_shl(shift)?;
    let index = Some((index.to_owned(), scale));
    Some(Operand::Memory { base, index, part, offset: 0, symbol: None })
}

/// `lsl 3`, `sxtw`, `uxtw #2`: what of the index counts, and the bits it is shifted by.
fn widened(how: &str) -> Option<(IndexPart, u32)> {
    let (word, by) = how.split_once([' ', '\t']).unwrap_or((how, "0"));
    let shift = by.trim().trim_start_matches('#').parse().ok()?;
    Some(match word {
        "" | "lsl" | "sxtx" | "uxtx" => (IndexPart::Whole, shift),
        "sxtw" => (IndexPart::SignedHalf, shift),
        "uxtw" => (IndexPart::UnsignedHalf, shift),
        _ => return None,
    })
}

fn parentheses(text: &str) -> Option<Operand> {
    if let Some(value) = number(text) {
        return Some(Operand::Constant(value));
    }
    let register = |text: &str| {
        let name = text.trim().trim_start_matches(['%', '$']);
        is_register(name).then(|| name.to_owned())
    };
    let Some(open) = text.find('(') else {
        return register(text).map(Operand::Register);
    };
    let (symbol, offset) = displacement(text[..open].trim())?;
    let base = Some(register(text[open + 1..].strip_suffix(')')?)?);
    Some(memory(base, None, offset, symbol))
}

#[cfg(test)]
#[path = "operand_tests.rs"]
mod tests;
