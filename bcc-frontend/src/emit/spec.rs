//! The object as a `ModuleSpec`.

use super::btf::{Btf, FunctionInfo, Order};
use super::link::{Linked, Linker};
use super::object::Object;
use super::prepare::{FUNCTION_SECTION, big_endian};
use super::{Generated, Generator};
use crate::facts::ProgramDecl;
use crate::llvm::Place;
use bcc_core::mutation;
use bcc_core::spec::{Diagnostic, MapSpec, ModuleSpec, RING_LOSSES, Stage, TypeDesc};
use std::collections::BTreeSet;

const BPF_MAP_TYPE_ARRAY: u32 = 2;
/// Map types whose key and value the kernel takes types of: hashes, arrays and storages. A trie's key would
/// have to be one certain struct.
const TYPED_MAPS: [u32; 12] = [1, 2, 5, 6, 9, 10, 19, 21, 24, 28, 29, 32];
const BPF_F_RDONLY_PROG: u32 = 1 << 7;

impl Generator<'_> {
    /// Reads the object.
    pub(super) fn spec(&self, generated: &Generated) -> Result<ModuleSpec, Vec<Diagnostic>> {
        let order = Order { big: big_endian(self.request) };
        let object = Object::parse(&generated.object).map_err(|e| self.internal(&e))?;
        let mut btf = Btf::parse(&object, order);
        let infos = btf.as_ref().map(|btf| btf.function_infos(&object)).unwrap_or_default();
        let linker = Linker {
            object: &object,
            order,
            infos: &infos,
            kernel_functions: &generated.kernel_functions,
        };
        let linked = self.link(&linker)?;

        let used: BTreeSet<usize> =
            linked.iter().flat_map(|(_, l)| l.data.iter().copied()).collect();
        let keep: Vec<&str> = used.iter().map(|&i| object.sections[i].name.as_str()).collect();
        if let Some(btf) = &mut btf {
            btf.fix(&object, &keep);
        }
        let mut maps = self.maps(&object, btf.as_ref(), order);
        for &section in used.iter().filter(|_| !mutation::off("emit:data_maps")) {
            maps.push(self.data_map(&object, section, btf.as_ref())?);
        }
        let mut programs = Vec::with_capacity(linked.len());
        for (decl, mut linked) in linked {
            linked.program.section = decl.section.clone().unwrap_or_default();
            if let Some(btf) = &mut btf {
                self.write_infos(&mut linked, btf, order);
            }
            programs.push(linked.program);
        }
        Ok(ModuleSpec {
            license: unquoted(&text_of(&object, "license")).to_owned(),
            kern_version: self.version(&object, order),
            maps,
            programs,
            btf: btf.map(Btf::write).unwrap_or_default(),
            events: self.rewritten.events.clone(),
            warnings: self.rewritten.warnings.clone(),
            rewritten: self.main_text(),
            llvm_ir: generated.llvm_ir.clone(),
            source_file: self.rewritten.input.main.clone(),
        })
    }

    /// The programs that have code, in order of definition.
    fn link(&self, linker: &Linker<'_>) -> Result<Vec<(&ProgramDecl, Linked)>, Vec<Diagnostic>> {
        let mut linked = Vec::new();
        let mut errors = Vec::new();
        for decl in &self.rewritten.programs {
            let name = format!("{FUNCTION_SECTION}{}", decl.name);
            let Some(section) = linker.object.sections.iter().position(|s| s.name == name) else {
                continue;
            };
            match linker.link(&decl.name, section) {
                Ok(program) => linked.push((decl, program)),
                Err(why) => {
                    let file = self.rewritten.input.main.clone();
                    let place = Place { file, line: decl.line, column: 0 };
                    let message = format!("function `{}` {why}", decl.name);
                    errors.push(self.reporter.error(Stage::Emit, &place, message));
                }
            }
        }
        if errors.is_empty() { Ok(linked) } else { Err(errors) }
    }

    fn maps(&self, object: &Object, btf: Option<&Btf>, order: Order) -> Vec<MapSpec> {
        let complete = |decl: &crate::facts::MapDecl| {
            let mut spec = decl.spec.clone();
            let word = |offset| {
                let word = object.word_of(&spec.name, offset, order.big);
                word.filter(|_| !mutation::off("emit:sizes"))
            };
            let (max_entries, flags) = (word(decl.max_entries_offset), word(decl.flags_offset));
            spec.max_entries = max_entries.unwrap_or(spec.max_entries);
            spec.flags = flags.unwrap_or(spec.flags);
            spec.loss_slot = word(decl.loss_slot_offset);
            if let Some(btf) = btf.filter(|_| TYPED_MAPS.contains(&spec.map_type)) {
                (spec.btf_key_id, spec.btf_value_id) = btf.map_types(&spec.name);
            }
            spec
        };
        let mut maps: Vec<MapSpec> = self.rewritten.maps.iter().map(complete).collect();
        let slots = maps.iter().filter_map(|map| map.loss_slot).max();
        for map in maps.iter_mut().filter(|map| map.name == RING_LOSSES) {
            map.max_entries = slots.map_or(1, |last| last.saturating_add(1));
        }
        // The hidden one last: users' tables keep their numbers.
        maps.sort_by_key(|map| map.name == RING_LOSSES);
        maps
    }

    /// The one-element array that holds a section of global variables.
    fn data_map(
        &self,
        object: &Object,
        section: usize,
        btf: Option<&Btf>,
    ) -> Result<MapSpec, Vec<Diagnostic>> {
        let section = &object.sections[section];
        if let Some(relocation) = section.relocations.first() {
            let name = &object.symbols[relocation.symbol].name;
            let what = if name.is_empty() { "another variable" } else { name };
            return Err(self.internal(&format!(
                "a variable in {} is initialised with the address of {what}: assign it in the program",
                section.name
            )));
        }
        let size = u32::try_from(section.data.len()).unwrap_or(u32::MAX);
        let read_only = section.name.starts_with(".rodata");
        let byte = TypeDesc::Builtin { name: "char".to_owned(), size: 1 };
        Ok(MapSpec {
            name: section.name.clone(),
            kind: "array".to_owned(),
            map_type: BPF_MAP_TYPE_ARRAY,
            key_size: 4,
            value_size: size,
            max_entries: 1,
            flags: if read_only { BPF_F_RDONLY_PROG } else { 0 },
            leaf: TypeDesc::Array { elem: Box::new(byte), len: size },
            btf_value_id: btf.map_or(0, |btf| btf.data_section(&section.name)),
            data: Some(section.data.clone()),
            ..MapSpec::default()
        })
    }

    /// Func and line info of a program, with the user's own source lines.
    fn write_infos(&self, linked: &mut Linked, btf: &mut Btf, order: Order) {
        let infos: Vec<(u32, FunctionInfo)> = std::mem::take(&mut linked.infos);
        if infos.iter().any(|(_, info)| info.type_id == 0) {
            return;
        }
        for (start, info) in infos {
            for word in [start, info.type_id] {
                linked.program.func_info.extend(order.bytes(word));
            }
            for line in info.lines {
                let text = self.reporter.source_line(&line.file, line.line).unwrap_or_default();
                let place = Place { file: line.file, line: line.line, column: line.column };
                let column = self.reporter.column(&place).min(0x3ff);
                let (file, text) = (btf.intern(&place.file), btf.intern(&text));
                for word in [start + line.insn, file, text, place.line << 10 | column] {
                    linked.program.line_info.extend(order.bytes(word));
                }
            }
        }
    }

    fn version(&self, object: &Object, order: Order) -> u32 {
        let word = object.section("version").and_then(|section| order.u32(&section.data, 0));
        word.unwrap_or_else(|| self.request.target.version_code())
    }

    fn main_text(&self) -> String {
        let input = &self.rewritten.input;
        let main = input.files.iter().find(|file| file.path == input.main);
        main.map(|file| String::from_utf8_lossy(&file.text).into_owned()).unwrap_or_default()
    }
}

fn text_of(object: &Object, section: &str) -> String {
    let data = object.section(section).map_or(&[][..], |section| &section.data);
    let end = data.iter().position(|&b| b == 0).unwrap_or(data.len());
    String::from_utf8_lossy(&data[..end]).into_owned()
}

/// `#define BPF_LICENSE "GPL"` means the words that it quotes.
fn unquoted(license: &str) -> &str {
    license.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(license)
}
