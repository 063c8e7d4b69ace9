//! Switching off one piece of the library or the compiler, to see that the tests notice.
//!
//! Only with the feature `mutate`, which no release build has: without it [`off`] is a constant and the
//! questions put to it cost nothing. Tests name the piece in the environment or, as a guest's compiles
//! happen in another machine, in the compiler's arguments.

/// Variable, and macro among the compiler's arguments, that names the piece.
pub const NAME: &str = "BCC_MUTATE";

#[cfg(feature = "mutate")]
mod chosen {
    use std::sync::RwLock;

    static OFF: RwLock<String> = RwLock::new(String::new());

    pub(super) fn set(name: String) {
        if let Ok(mut off) = OFF.write() {
            *off = name;
        }
    }

    pub(super) fn get() -> String {
        let own = OFF.read().map(|off| off.clone()).unwrap_or_default();
        if own.is_empty() { std::env::var(super::NAME).unwrap_or_default() } else { own }
    }
}

/// Takes the piece to switch off from the compiler's arguments (`-DBCC_MUTATE=piece`).
pub fn choose(cflags: &[String]) {
    #[cfg(feature = "mutate")]
    {
        let prefix = format!("-D{NAME}=");
        let named = cflags.iter().find_map(|flag| flag.strip_prefix(&prefix));
        chosen::set(named.unwrap_or_default().to_owned());
    }
    let _ = cflags;
}

/// Whether the piece called `name` is switched off.
#[cfg(feature = "mutate")]
pub fn off(name: &str) -> bool {
    chosen::get() == name
}

/// Whether the piece called `name` is switched off.
#[cfg(not(feature = "mutate"))]
#[inline]
pub const fn off(_name: &str) -> bool {
    false
}

/// Whether the definition of `name` is switched off (`define:NAME`).
pub fn off_definition(name: &str) -> bool {
    #[cfg(feature = "mutate")]
    {
        chosen::get().strip_prefix("define:") == Some(name)
    }
    #[cfg(not(feature = "mutate"))]
    {
        let _ = name;
        false
    }
}

/// Whether a message is switched off: the piece is `message:` and a part of it.
pub fn silent(message: &str) -> bool {
    #[cfg(feature = "mutate")]
    {
        let off = chosen::get();
        off.strip_prefix("message:").is_some_and(|part| message.contains(part))
    }
    #[cfg(not(feature = "mutate"))]
    {
        let _ = message;
        false
    }
}

/// A header's text without the macro, helper or function that is switched off (`define:NAME`).
pub fn header(text: &[u8]) -> std::borrow::Cow<'_, [u8]> {
    #[cfg(feature = "mutate")]
    {
        let off = chosen::get();
        if let Some(name) = off.strip_prefix("define:") {
            return without(&String::from_utf8_lossy(text), name).into_bytes().into();
        }
    }
    text.into()
}

/// The text with `name` called otherwise where it is defined.
#[cfg(any(test, feature = "mutate"))]
fn without(text: &str, name: &str) -> String {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let starts =
        |rest: &str| rest.strip_prefix(name).is_some_and(|after| !after.starts_with(is_word));
    let mut out = String::with_capacity(text.len() + 16);
    for line in text.split_inclusive('\n') {
        let at = if let Some(rest) = line.strip_prefix("#define ") {
            starts(rest).then_some("#define ".len())
        } else if let Some((before, rest)) = line.split_once("(*const ") {
            starts(rest).then_some(before.len() + "(*const ".len())
        } else if line.starts_with("static ") {
            line.split_once('(').filter(|(head, _)| head.ends_with(name)).and_then(|(head, _)| {
                let start = head.len() - name.len();
                (!head[..start].ends_with(is_word)).then_some(start)
            })
        } else {
            None
        };
        match at {
            Some(at) => {
                let (before, rest) = line.split_at(at);
                out.extend([before, "BCC_MUTATED_", rest]);
            }
            None => out.push_str(line),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::without;

    #[test]
    fn only_the_definition_of_that_name_is_renamed() {
        let text = "#define ONE(x) ONE\n#define ONES 1\nstatic u64 ONE(int x)\n\
                    static int (*const ONE)(void) = (void *)1;\nreturn ONE(1);\n";
        let want = "#define BCC_MUTATED_ONE(x) ONE\n#define ONES 1\nstatic u64 BCC_MUTATED_ONE(int x)\n\
                    static int (*const BCC_MUTATED_ONE)(void) = (void *)1;\nreturn ONE(1);\n";
        assert_eq!(without(text, "ONE"), want);
    }
}
