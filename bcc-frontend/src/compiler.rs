//! The stages in a row.

use crate::facts::Rewritten;
use crate::headers::{Headers, Missing};
use crate::{cflags, emit, headers, rewrite};
use bcc_core::compile::child::build_id;
use bcc_core::compile::{CompileError, CompileOutput, CompileRequest, Inputs};
use bcc_core::mutation;
use bcc_core::spec::{Diagnostic, ModuleSpec};

/// The compiler in this process. It links LLVM; a text that makes clang overflow its stack ends the
/// process, so programs that take texts from others use `bcc_core`'s child compiler.
#[derive(Debug, Default, Clone, Copy)]
pub struct Compiler;

impl bcc_core::compile::Compiler for Compiler {
    fn compile(&self, request: &CompileRequest) -> Result<CompileOutput, CompileError> {
        mutation::choose(&request.cflags);
        let failed = |diagnostics| CompileError::Diagnostics { diagnostics };
        cflags::check(&request.cflags).map_err(failed)?;
        let request = &with_index_cache(request);
        let mut built = headers::build(request, &Missing::default())?;
        let mut result = rewritten(request, &built);
        if let Err(diagnostics) = &result {
            // Names that only the preprocessor makes (`##`) are seen by clang, not by the lexer that
            // chose the types: choose again, once.
            let missing = missing(diagnostics);
            if !missing.names.is_empty() && !built.real {
                built = headers::build(request, &missing)?;
                result = rewritten(request, &built);
            }
        }
        if let Err(diagnostics) = &result
            && !built.real
            && !missing(diagnostics).names.is_empty()
            && let Ok(real) = headers::build_real(request)
            && let Ok(rewritten) = rewritten(request, &real)
        {
            // BTF has no inline functions, and only the types that the kernel's code uses.
            (built, result) = (real, Ok(rewritten));
        }
        let spec = emitted(request, &built, result.map_err(failed)?).map_err(failed)?;
        let cacheable = !depends_on_the_moment(request, &built.inputs);
        Ok(CompileOutput { spec, inputs: built.inputs, cacheable })
    }

    fn id(&self) -> Result<Vec<u8>, CompileError> {
        std::env::current_exe().and_then(|path| build_id(&path)).map_err(|e| CompileError::Io {
            what: "read this program's build-id".to_owned(),
            error: e.to_string(),
        })
    }
}

/// The text over its headers; precompiled ones are never to blame for an error.
fn rewritten(request: &CompileRequest, built: &Headers) -> Result<Rewritten, Vec<Diagnostic>> {
    let result = rewrite::rewrite(request, built.input.clone());
    let Some(precompiled) = built.precompiled.as_ref().filter(|_| result.is_err()) else {
        return result;
    };
    let plain = rewrite::rewrite(request, precompiled.plain.clone());
    if plain.is_ok() {
        precompiled.discard();
    }
    plain
}

/// Code for `rewritten`, and the same for precompiled headers.
fn emitted(
    request: &CompileRequest,
    built: &Headers,
    rewritten: Rewritten,
) -> Result<ModuleSpec, Vec<Diagnostic>> {
    let mut rewritten = rewritten;
    let mut result = emit::emit(request, &rewritten);
    let Some(precompiled) = &built.precompiled else { return result };
    let is_enough = |spec: &ModuleSpec| !headers::lacks_types(spec);
    if !result.as_ref().is_ok_and(is_enough) && headers::make_whole(&mut rewritten.input.args) {
        result = emit::emit(request, &rewritten);
    }
    if result.is_ok() {
        return result;
    }
    let plain = rewrite::rewrite(request, precompiled.plain.clone())?;
    let result = emit::emit(request, &plain);
    if result.is_ok() {
        precompiled.discard();
    }
    result
}

/// The index of the kernel's BTF is kept where compiled modules are.
fn with_index_cache(request: &CompileRequest) -> CompileRequest {
    let mut request = request.clone();
    let index_cache = &mut request.target.index_cache;
    *index_cache = index_cache.take().or_else(bcc_core::compile::cache::directory);
    request
}

/// Names that clang did not know, from its messages.
fn missing(diagnostics: &[Diagnostic]) -> Missing {
    const TYPES: [&str; 4] = [
        "unknown type name '",
        "incomplete type '",
        "incomplete definition of type '",
        "incomplete result type '",
    ];
    // The last one: of a struct whose members the text does not name there is only a part, and the
    // hint wants to know them all.
    const OTHERS: [&str; 3] =
        ["use of undeclared identifier '", "call to undeclared function '", "' in '"];
    let named = |messages: &[&str]| {
        let mut names: Vec<String> = diagnostics
            .iter()
            .filter_map(|diagnostic| {
                let split = |message: &&str| diagnostic.message.split_once(*message);
                let (_, rest) = messages.iter().find_map(split)?;
                let quoted = rest.split('\'').next()?;
                let word = quoted.trim_end_matches(['*', ' ']).rsplit(' ').next()?;
                (!word.is_empty()).then(|| word.to_owned())
            })
            .collect();
        names.sort();
        names.dedup();
        names
    };
    let types = named(&TYPES);
    let mut names = [named(&OTHERS), types.clone()].concat();
    names.sort();
    names.dedup();
    Missing { names, types }
}

/// Whether the text asks for the time of the compile, or for code that is not ours to know.
fn depends_on_the_moment(request: &CompileRequest, inputs: &Inputs) -> bool {
    let asks = |text: &[u8]| {
        ["__DATE__", "__TIME__", "__TIMESTAMP__"]
            .iter()
            .any(|name| text.windows(name.len()).any(|window| window == name.as_bytes()))
    };
    let loads = |flag: &String| flag.starts_with("-fplugin") || flag == "-load";
    asks(&request.text)
        || request.cflags.iter().any(|flag| loads(flag) || asks(flag.as_bytes()))
        || inputs.files.iter().any(|file| std::fs::read(file).is_ok_and(|text| asks(&text)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bcc_core::spec::{Severity, Stage};

    #[test]
    fn names_are_taken_from_clang_s_messages() {
        let messages = [
            "use of undeclared identifier 'foo'",
            "incomplete definition of type 'struct bar'",
            "variable has incomplete type 'struct bar'",
            "unknown type name 'baz_t'",
            "no member named 'x' in 'struct whole'",
            "expected ';' after 'x'",
        ];
        let diagnostics: Vec<Diagnostic> =
            messages.map(|m| Diagnostic::new(Severity::Error, Stage::Parse, m)).into();
        let missing = missing(&diagnostics);
        assert_eq!(missing.names, ["bar", "baz_t", "foo", "whole"]);
        assert_eq!(missing.types, ["bar", "baz_t"]);
    }

    #[test]
    fn a_text_that_asks_for_the_time_is_not_cached() {
        let mut request = CompileRequest { text: b"int x;".to_vec(), ..Default::default() };
        assert!(!depends_on_the_moment(&request, &Inputs::default()));
        request.text = b"char t[] = __TIME__;".to_vec();
        assert!(depends_on_the_moment(&request, &Inputs::default()));
    }
}
