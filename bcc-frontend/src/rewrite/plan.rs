//! From uses to edits, file by file.

use super::edit::{EditError, EditSet};
use super::packet::{self, Bits, Layouts};
use super::split::Split;
use super::{flags, methods, usdt};
use crate::clang::{Place, Unit};
use crate::facts::ColumnMap;
use crate::parse::calls::{Access, Function, Use, UseKind, Uses};
use crate::parse::lex::TokenKind;
use crate::parse::macros::{DefineId, LexedFile, Macros};
use crate::parse::{Report, is_user_file};
use crate::source::{ClangInput, SourceFile};
use bcc_core::mutation;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What the rewriting changes.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// Changed files, and definitions among the arguments; see [`flags`].
    pub(super) files: Vec<SourceFile>,
    /// Further arguments.
    pub(super) arguments: Vec<String>,
    /// How columns moved.
    pub(super) columns: ColumnMap,
}

/// Makes and applies all edits.
pub(super) fn carry_out(
    unit: &Unit<'_>,
    input: &ClangInput,
    found: &Uses,
    report: &mut Report,
) -> Result<Changes, EditError> {
    let mut files: Vec<LexedFile> = unit
        .files()
        .into_iter()
        .filter(|path| is_user_file(path, &input.main))
        .filter_map(|path| unit.file_text(&path).map(|text| LexedFile::new(path, text)))
        .collect();
    files.extend(flags::definitions(&input.args));
    let mut plan = Plan {
        macros: Macros::new(&files),
        by_path: files.iter().enumerate().map(|(i, f)| (f.path.as_str(), i)).collect(),
        files: &files,
        edits: files.iter().map(|_| EditSet::default()).collect(),
        expansions: BTreeMap::new(),
        packet_functions: BTreeSet::new(),
        layouts: Layouts::default(),
    };
    for used in &found.uses {
        plan.one(used, &found.functions[used.function], report);
    }
    plan.macro_bodies(report);
    for function in plan.packet_functions.clone() {
        plan.declare_packet(&found.functions[function], &found.functions, report);
    }
    let mut changes = Changes { arguments: plan.layouts.arguments(), ..Changes::default() };
    for (file, edits) in files.iter().zip(&plan.edits) {
        if edits.is_empty() {
            continue;
        }
        let (text, shifts) = edits.apply(&file.text)?;
        changes.files.push(SourceFile { path: file.path.clone(), text });
        let shifts = shifts.into_iter().map(|(l, c, by)| (file.path.clone(), l, c, by));
        changes.columns.shifts.extend(shifts);
    }
    Ok(changes)
}

struct Plan<'f> {
    files: &'f [LexedFile],
    by_path: HashMap<&'f str, usize>,
    macros: Macros<'f>,
    edits: Vec<EditSet>,
    /// Macro uses with something to edit in a body: (file, token) → what, and where it was seen.
    expansions: BTreeMap<(usize, usize), Vec<(Wanted, Place)>>,
    /// Functions that need `bcc_packet`.
    packet_functions: BTreeSet<usize>,
    /// Of members that are edited by type.
    layouts: Layouts,
}

/// What the body of a macro must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Wanted {
    Method(String),
    Member(String, Access),
}

impl Plan<'_> {
    fn one(&mut self, used: &Use, function: &Function, report: &mut Report) {
        let place = &used.place;
        let Some((file, token)) = self.locate(place) else {
            report.error(place, misplaced(&used.kind));
            return;
        };
        let LexedFile { text, lexed, .. } = &self.files[file];
        let done = match &used.kind {
            UseKind::Method { method } => {
                if !self.method(file, token, method) {
                    self.expansion(file, token, Wanted::Method(method.clone()), place);
                }
                true
            }
            UseKind::Packet { .. } if mutation::off("rewrite:packets") => true,
            UseKind::Packet { member, record, byte, bit, width, access } => {
                self.packet_functions.insert(used.function);
                let bits = Bits { byte: *byte, bit: *bit, width: *width };
                let edits = &mut self.edits[file];
                let direct = lexed.code[token].is(text, member)
                    && packet::edit_member(text, &lexed.code, token, bits, *access, edits);
                if !direct || *access == Access::Change {
                    self.layouts.add(member, record, bits);
                }
                if !direct {
                    self.expansion(file, token, Wanted::Member(member.clone(), *access), place);
                }
                true
            }
            // In a macro's body the name is a macro that asks which handler it is.
            UseKind::UsdtArgument { callee } if !lexed.code[token].is(text, callee) => true,
            UseKind::UsdtArgument { callee } => {
                let handler = if function.external { &function.name } else { usdt::ANY_HANDLER };
                let edits = &mut self.edits[file];
                usdt::edit_call(text, &lexed.code, token, callee, handler, edits)
            }
            UseKind::Checksum => {
                self.packet_functions.insert(used.function);
                true
            }
        };
        if !done {
            report.error(place, misplaced(&used.kind));
        }
    }

    /// Edits a method call that is not wholly a macro's; false when there is none.
    fn method(&mut self, file: usize, token: usize, method: &str) -> bool {
        let LexedFile { text, lexed, .. } = &self.files[file];
        let after_dot = token.checked_sub(1).is_some_and(|before| {
            let before = lexed.code[before];
            before.is(text, ".") || before.is(text, "->")
        });
        if after_dot && methods::edit_call(text, &lexed.code, token, method, &mut self.edits[file])
        {
            return true;
        }
        !mutation::off("rewrite:split") && self.split().edit_call(file, token, method)
    }

    fn split(&mut self) -> Split<'_> {
        Split { files: self.files, macros: &self.macros, edits: &mut self.edits }
    }

    /// Edits the calls in one macro's body that another macro begins; the methods that it found.
    fn split_calls(&mut self, id: DefineId, wanted: &[&Wanted]) -> Vec<Wanted> {
        if mutation::off("rewrite:split") {
            return Vec::new();
        }
        let mut split = self.split();
        let mut edited =
            |one: &&&Wanted| one.method().is_some_and(|method| split.edit_define(id, method));
        wanted.iter().filter(|one| edited(one)).map(|one| (*one).clone()).collect()
    }

    /// Notes what comes out of a macro's body, or is put there by an argument of it.
    fn expansion(&mut self, file: usize, token: usize, wanted: Wanted, place: &Place) {
        let LexedFile { text, lexed, .. } = &self.files[file];
        let word = lexed.code[token].text(text);
        let uses = self.expansions.entry((file, self.invocation(file, token, word)));
        uses.or_default().push((wanted, place.clone()));
    }

    /// The file and the token at `place`.
    fn locate(&self, place: &Place) -> Option<(usize, usize)> {
        let file = *self.by_path.get(place.file.as_str())?;
        let LexedFile { text, lexed, .. } = &self.files[file];
        let token = lexed.code_at(text, place.offset as usize)?;
        Some((file, token))
    }

    /// The token that names the macro whose expansion `code[token]` is, or is an argument of.
    fn invocation(&self, file: usize, token: usize, word: &[u8]) -> usize {
        if self.macros.defines(word) {
            return token;
        }
        let LexedFile { text, lexed, .. } = &self.files[file];
        let mut depth = 0usize;
        for i in (1..token).rev() {
            match lexed.code[i].text(text) {
                b")" => depth += 1,
                b"(" if depth > 0 => depth -= 1,
                b"(" if self.macros.defines(lexed.code[i - 1].text(text)) => return i - 1,
                b";" | b"{" | b"}" => break,
                _ => {}
            }
        }
        token
    }

    fn macro_bodies(&mut self, report: &mut Report) {
        let expansions = std::mem::take(&mut self.expansions);
        if mutation::off("rewrite:macros") {
            return;
        }
        let mut wanted: BTreeMap<DefineId, Vec<&Wanted>> = BTreeMap::new();
        let mut reached: BTreeMap<(usize, usize), Vec<DefineId>> = BTreeMap::new();
        for (at, uses) in &expansions {
            let defines = self.macros.reachable(&self.files[at.0], at.1);
            for define in &defines {
                let all = wanted.entry(*define).or_default();
                for (one, _) in uses {
                    if !all.contains(&one) {
                        all.push(one);
                    }
                }
            }
            reached.insert(*at, defines);
        }
        let mut served: Vec<(DefineId, Wanted)> = Vec::new();
        for (id, wanted) in &wanted {
            let mut here = self.macro_body(*id, wanted);
            here.extend(self.split_calls(*id, wanted));
            served.extend(here.into_iter().map(|one| (*id, one)));
        }
        for (at, uses) in &expansions {
            for (wanted, place) in uses {
                let is_it =
                    |(id, one): &(DefineId, Wanted)| reached[at].contains(id) && one == wanted;
                if !served.iter().any(is_it) {
                    report.error(place, wanted.misplaced());
                }
            }
        }
    }

    /// Edits one macro's body; what of `wanted` it was found to hold.
    fn macro_body(&mut self, id: DefineId, wanted: &[&Wanted]) -> Vec<Wanted> {
        let (define, text) = self.macros.get(id);
        let edits = &mut self.edits[id.file];
        let methods: Vec<&str> = wanted.iter().filter_map(|one| one.method()).collect();
        let mut members: Vec<&str> = wanted.iter().filter_map(|one| one.member()).collect();
        members.dedup();
        let mut served = Vec::new();
        for method in methods::edit_define(text, define, &methods, edits) {
            served.push(Wanted::Method(methods[method].to_owned()));
        }
        if members.is_empty() {
            return served;
        }
        for found in packet::edit_define(text, define, &members, edits) {
            served.push(Wanted::Member(members[found.member].to_owned(), found.access));
        }
        if define.members(text, "->").iter().any(|(_, generated)| *generated) {
            // Its arguments may name members of other structs too.
            for file in self.files {
                let words = file.lexed.code.iter().filter(|t| t.kind == TokenKind::Ident);
                self.layouts.know(words.map(|word| word.text(&file.text)));
            }
        }
        served
    }

    /// Declares `bcc_packet`, the packet that the builtins of this function work on.
    fn declare_packet(&mut self, function: &Function, functions: &[Function], report: &mut Report) {
        let Some(body) = &function.body else { return };
        let Some(name) = packet_of(function, functions) else {
            let message = format!(
                "{} works on a packet but has no parameter `struct __sk_buff *`",
                function.name
            );
            report.error(body, message);
            return;
        };
        let located = self.locate(body).filter(|(file, token)| {
            let LexedFile { text, lexed, .. } = &self.files[*file];
            lexed.code[*token].is(text, "{")
        });
        let Some((file, token)) = located else {
            report.error(body, "cannot use builtin inside a macro");
            return;
        };
        let end = self.files[file].lexed.code[token].end;
        self.edits[file].insert(end, format!(" void *bcc_packet = (void *){name};"));
    }
}

/// Name of the parameter that is the packet: by its type, in a program the first one, in a helper
/// one named like the first of a program.
fn packet_of<'f>(function: &'f Function, functions: &[Function]) -> Option<&'f str> {
    let mut parameters = function.parameters.iter();
    let by_type = parameters.clone().find(|(_, ty)| ty == "struct __sk_buff *");
    let found = by_type.or_else(|| match function.external {
        true => function.parameters.first(),
        false => parameters.find(|(name, _)| {
            let mut programs = functions.iter().filter(|f| f.external);
            programs.any(|f| f.parameters.first().is_some_and(|(first, _)| first == name))
        }),
    });
    found.map(|(name, _)| name.as_str())
}

const PACKET_IN_MACRO: &str = "cannot use \"packet\" header type inside a macro";
const METHOD_IN_MACRO: &str = "cannot use map function inside a macro";

impl Wanted {
    fn method(&self) -> Option<&str> {
        if let Self::Method(name) = self { Some(name) } else { None }
    }

    fn member(&self) -> Option<&str> {
        if let Self::Member(name, _) = self { Some(name) } else { None }
    }

    fn misplaced(&self) -> &'static str {
        match self {
            Self::Method(_) => METHOD_IN_MACRO,
            Self::Member(..) => PACKET_IN_MACRO,
        }
    }
}

fn misplaced(kind: &UseKind) -> &'static str {
    match kind {
        UseKind::Method { .. } => METHOD_IN_MACRO,
        UseKind::Packet { .. } => PACKET_IN_MACRO,
        UseKind::UsdtArgument { .. } | UseKind::Checksum => "cannot use builtin inside a macro",
    }
}
