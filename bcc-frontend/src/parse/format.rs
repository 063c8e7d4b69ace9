//! The format of `bpf_trace_printk`, as kernels before 5.13 accept it.

const ALLOWED: &str =
    "only %d %u %x %ld %lu %lx %lld %llu %llx %p %s conversion specifiers allowed";
const ALLOWED_POINTERS: &str =
    "only %d %u %x %ld %lu %lx %lld %llu %llx %p %pS %s conversion specifiers allowed";

/// What is wrong with a format, given as the quoted literal. At most one message.
pub fn check(literal: &str) -> Option<&'static str> {
    let format = unquoted(literal);
    let mut bytes = format.iter().copied().peekable();
    let (mut specifiers, mut strings) = (0, 0);
    while let Some(c) = bytes.next() {
        if !c.is_ascii_graphic() && !is_space(c) {
            return Some("unrecognized character");
        }
        if c != b'%' {
            continue;
        }
        if bytes.next_if_eq(&b'%').is_some() {
            continue;
        }
        specifiers += 1;
        if specifiers > 3 {
            return Some("cannot use more than 3 conversion specifiers");
        }
        match bytes.next() {
            Some(kind @ (b'p' | b's')) => {
                if kind == b'p' {
                    bytes.next_if_eq(&b'S');
                }
                let end = bytes.peek().copied();
                if end.is_some_and(|c| !is_space(c) && !c.is_ascii_punctuation()) {
                    return Some(ALLOWED_POINTERS);
                }
                strings += usize::from(kind == b's');
                if strings > 1 {
                    return Some("cannot use several %s conversion specifiers");
                }
            }
            Some(b'l') => {
                bytes.next_if_eq(&b'l');
                if !matches!(bytes.next(), Some(b'd' | b'i' | b'u' | b'x')) {
                    return Some(ALLOWED);
                }
            }
            Some(b'd' | b'i' | b'u' | b'x') => {}
            _ => return Some(ALLOWED),
        }
    }
    None
}

fn is_space(c: u8) -> bool {
    matches!(c, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

/// The bytes of a string literal as clang prints it.
fn unquoted(literal: &str) -> Vec<u8> {
    let inner = literal.split_once('"').map_or(literal, |(_, rest)| rest);
    let inner = inner.strip_suffix('"').unwrap_or(inner);
    let mut out = Vec::new();
    let mut bytes = inner.bytes().peekable();
    while let Some(c) = bytes.next() {
        if c != b'\\' {
            out.push(c);
            continue;
        }
        match bytes.next() {
            Some(b'n') => out.push(b'\n'),
            Some(b't') => out.push(b'\t'),
            Some(b'r') => out.push(b'\r'),
            Some(b'v') => out.push(0x0b),
            Some(b'f') => out.push(0x0c),
            Some(b'a') => out.push(7),
            Some(b'b') => out.push(8),
            Some(b'x') => out.push(number(&mut bytes, 16, 2, 0)),
            Some(c @ b'0'..=b'7') => out.push(number(&mut bytes, 8, 2, u32::from(c - b'0'))),
            Some(c) => out.push(c),
            None => {}
        }
    }
    out
}

fn number(
    bytes: &mut std::iter::Peekable<std::str::Bytes<'_>>,
    radix: u32,
    digits: u32,
    first: u32,
) -> u8 {
    let mut value = first;
    for _ in 0..digits {
        let Some(digit) = bytes.peek().and_then(|c| char::from(*c).to_digit(radix)) else { break };
        value = value * radix + digit;
        bytes.next();
    }
    value.to_le_bytes()[0]
}

#[cfg(test)]
mod tests {
    use super::{ALLOWED, ALLOWED_POINTERS, check};

    #[test]
    fn accepted_formats_give_no_message() {
        for format in [r#""%d %u %llx\n""#, r#""%s: %p""#, r#""%pS,%ld""#, r#""100%%\n""#, r#""""#]
        {
            assert_eq!(check(format), None, "{format}");
        }
    }

    #[test]
    fn each_rule_has_its_text() {
        assert_eq!(check(r#""%d%d%d%d""#), Some("cannot use more than 3 conversion specifiers"));
        assert_eq!(check(r#""%s %s""#), Some("cannot use several %s conversion specifiers"));
        assert_eq!(check(r#""\x01""#), Some("unrecognized character"));
        assert_eq!(check(r#""\033[0m""#), Some("unrecognized character"));
        assert_eq!(check(r#""%f""#), Some(ALLOWED));
        assert_eq!(check(r#""%""#), Some(ALLOWED));
        assert_eq!(check(r#""%lls""#), Some(ALLOWED));
        assert_eq!(check(r#""%pK""#), Some(ALLOWED_POINTERS));
        assert_eq!(check(r#""%sx""#), Some(ALLOWED_POINTERS));
    }
}
