//! C++ and Rust names as people write them.

/// The readable form of a mangled name; `None` for names that are not mangled.
pub fn demangle(name: &str) -> Option<String> {
    // Rust's old mangling looks like C++ and ends with a hash, so it is asked first.
    if let Ok(rust) = rustc_demangle::try_demangle(name) {
        return Some(format!("{rust:#}"));
    }
    if !name.starts_with("_Z") && !name.starts_with("___Z") {
        return None;
    }
    // The names come from files: an absurdly nested one must not take the stack.
    let options = cpp_demangle::ParseOptions::default().recursion_limit(160);
    let symbol = cpp_demangle::Symbol::new_with_options(name, &options).ok()?;
    symbol.demangle().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_languages_are_written_out_and_c_stays() {
        assert_eq!(demangle("_ZN3foo3barEi").as_deref(), Some("foo::bar(int)"));
        let old = "_ZN4core3ptr13drop_in_place17h0123456789abcdefE";
        assert_eq!(demangle(old).as_deref(), Some("core::ptr::drop_in_place"));
        assert_eq!(demangle("_RNvC6_123foo3bar").as_deref(), Some("123foo::bar"));
        assert_eq!(demangle("main"), None);
        assert_eq!(demangle("_Zgarbage"), None);
    }
}
