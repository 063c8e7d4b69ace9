//! What function bodies do with the dialect: method calls, packet members, builtins.

use super::tables::{ARRAY_TYPES, Table};
use super::types::describe;
use super::{Report, format, is_user_file};
use crate::clang::{Cursor, Place, Ty, Visit};
use bcc_core::spec::EventLayout;
use clang_sys as sys;
use std::collections::HashMap;

/// One place that the rewriter has to change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    /// Of the method's, member's or function's name.
    pub place: Place,
    /// Index in [`Uses::functions`].
    pub function: usize,
    /// What it is.
    pub kind: UseKind,
}

/// See [`Use`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UseKind {
    /// `table.method`, in front of its arguments.
    Method {
        /// The method's name.
        method: String,
    },
    /// `p->member` of a packet header.
    Packet {
        /// The member's name.
        member: String,
        /// The header's type, such as `struct ip_t`.
        record: String,
        /// Whole bytes from the start of the header.
        byte: u32,
        /// Further bits.
        bit: u32,
        /// Width in bits.
        width: u32,
        /// What is done to it.
        access: Access,
    },
    /// `bpf_usdt_readarg` or `bpf_usdt_readarg_p`.
    UsdtArgument {
        /// Which of the two.
        callee: String,
    },
    /// A builtin that works on the function's packet.
    Checksum,
}

/// How a packet member is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Its value.
    Read,
    /// `=`.
    Write,
    /// `+=` and its kin, `++`, `--`.
    Change,
}

/// A function with a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// C name.
    pub name: String,
    /// Whether it may be a program rather than a helper of one.
    pub external: bool,
    /// Of its `{`.
    pub body: Option<Place>,
    /// Names and types of its parameters.
    pub parameters: Vec<(String, String)>,
}

/// All uses in the user's functions.
#[derive(Debug, Default)]
pub struct Uses {
    /// In the order of the text.
    pub uses: Vec<Use>,
    /// Functions that were looked at.
    pub functions: Vec<Function>,
    /// One per table that data is submitted to; the last submit counts.
    pub events: Vec<EventLayout>,
}

/// Looks at every function body of the user's files.
pub fn uses<'u>(root: Cursor<'u>, main: &str, tables: &[Table<'u>], report: &mut Report) -> Uses {
    let mut walk = Walk { tables, report, found: Uses::default(), packets: HashMap::new() };
    for function in root.children() {
        if function.kind() != sys::CXCursor_FunctionDecl || !function.is_definition() {
            continue;
        }
        let place = function.place();
        if is_user_file(&place.file, main) && !(place.file != main && function.in_system_header()) {
            walk.function(function);
        }
    }
    walk.found
}

struct Walk<'a, 'u> {
    tables: &'a [Table<'u>],
    report: &'a mut Report,
    found: Uses,
    /// Hash of a struct → whether it is a packet header.
    packets: HashMap<u32, bool>,
}

impl<'u> Walk<'_, 'u> {
    fn function(&mut self, function: Cursor<'u>) {
        let body = function.children().into_iter().find(|c| c.kind() == sys::CXCursor_CompoundStmt);
        self.found.functions.push(Function {
            name: function.spelling(),
            external: function.is_external(),
            body: body.map(|body| body.extent().0),
            parameters: function
                .arguments()
                .into_iter()
                .map(|p| (p.spelling(), p.ty().canonical().spelling()))
                .collect(),
        });
        function.visit(&mut |cursor, parent| {
            match cursor.kind() {
                sys::CXCursor_MemberRefExpr => self.member(cursor, parent),
                sys::CXCursor_CallExpr => self.call(cursor),
                _ => {}
            }
            Visit::Into
        });
    }

    fn push(&mut self, place: Place, kind: UseKind) {
        let found = Use { place, function: self.found.functions.len() - 1, kind };
        self.found.uses.push(found);
    }

    fn table_of(&self, member: Cursor<'u>) -> Option<&Table<'u>> {
        let record = member.parent()?;
        self.tables.iter().find(|table| table.record == record)
    }

    fn member(&mut self, cursor: Cursor<'u>, parent: Cursor<'u>) {
        let Some(member) = cursor.referenced() else { return };
        if self.table_of(member).is_some() {
            if is_function_pointer(member.ty()) {
                self.push(cursor.place(), UseKind::Method { method: member.spelling() });
            }
            return;
        }
        let Some(record) = member.parent() else { return };
        let is_packet = self.packets.entry(record.hash()).or_insert_with(|| {
            record.annotations().iter().any(|annotation| annotation == "packet")
        });
        if *is_packet {
            self.packet_member(cursor, member, parent);
        }
    }

    fn packet_member(&mut self, cursor: Cursor<'u>, member: Cursor<'u>, parent: Cursor<'u>) {
        let bits = member.ty().size().checked_mul(8).and_then(|b| u32::try_from(b).ok());
        let (Some(width), Ok(offset)) =
            (member.bit_width().or(bits), u32::try_from(member.field_offset()))
        else {
            return;
        };
        let access = match parent.kind() {
            sys::CXCursor_BinaryOperator
                if parent.binary_operator() == sys::CXBinaryOperator_Assign
                    && is_left_side(parent, cursor) =>
            {
                Access::Write
            }
            sys::CXCursor_CompoundAssignOperator if is_left_side(parent, cursor) => Access::Change,
            sys::CXCursor_UnaryOperator if is_step(parent) => Access::Change,
            // `&p->member` stays an offset; in `sizeof` nothing is read.
            sys::CXCursor_UnaryOperator | sys::CXCursor_UnaryExpr => return,
            _ => Access::Read,
        };
        let kind = UseKind::Packet {
            member: member.spelling(),
            record: member.parent().map(|record| record.ty().spelling()).unwrap_or_default(),
            byte: offset / 8,
            bit: offset % 8,
            width,
            access,
        };
        self.push(cursor.place(), kind);
    }

    fn call(&mut self, call: Cursor<'u>) {
        let Some(callee) = call.referenced() else { return };
        if callee.kind() == sys::CXCursor_FieldDecl {
            self.method_call(call, callee);
            return;
        }
        if callee.kind() != sys::CXCursor_FunctionDecl {
            return;
        }
        let place = call.children().first().map(|c| c.place()).unwrap_or_default();
        match callee.spelling().as_str() {
            "bpf_trace_printk" => self.printk(call),
            name @ ("bpf_usdt_readarg" | "bpf_usdt_readarg_p") => {
                self.push(place, UseKind::UsdtArgument { callee: name.to_owned() });
            }
            "incr_cksum_l3" | "incr_cksum_l4" => self.push(place, UseKind::Checksum),
            _ => {}
        }
    }

    fn method_call(&mut self, call: Cursor<'u>, method: Cursor<'u>) {
        let Some(table) = self.table_of(method) else { return };
        let spec = table.decl.spec.clone();
        let arguments = call.arguments();
        match method.spelling().as_str() {
            "insert" if ARRAY_TYPES.contains(&spec.map_type) => self.report.warning(
                &call.place(),
                "all element of an array already exist; insert() will have no effect",
            ),
            "get_stackid" if spec.kind != "stacktrace" => {
                self.report.error(&call.place(), "get_stackid only available on stacktrace maps");
            }
            "perf_submit" => self.event(spec.name, arguments.get(1).copied()),
            "perf_submit_skb" => self.event(spec.name, arguments.get(2).copied()),
            "ringbuf_output" | "ringbuf_submit" => {
                self.event(spec.name, arguments.first().copied());
            }
            _ => {}
        }
    }

    /// Notes the struct that `data` points to as what `table` carries.
    fn event(&mut self, table: String, data: Option<Cursor<'u>>) {
        let Some(data) = data else { return };
        let pointee = without_casts(data).ty().canonical().pointee();
        if pointee.canonical().kind() != sys::CXType_Record {
            return;
        }
        let fields = pointee
            .canonical()
            .fields()
            .into_iter()
            .map(|field| format!("{}#{}", field.member_name(), field.ty().spelling()))
            .collect();
        self.found.events.retain(|event| event.table != table);
        if bcc_core::mutation::off("parse:events") {
            return;
        }
        self.found.events.push(EventLayout { table, fields, ty: describe(pointee) });
    }

    fn printk(&mut self, call: Cursor<'u>) {
        let Some(argument) = call.arguments().into_iter().next() else { return };
        let literal = without_casts(argument);
        if literal.kind() != sys::CXCursor_StringLiteral {
            self.report
                .error(&literal.place(), "the format of bpf_trace_printk must be a string literal");
            return;
        }
        let place = literal.place();
        if let Some(message) = format::check(&literal.spelling()) {
            self.report.warning(&place, message);
        }
    }
}

fn is_function_pointer(ty: Ty<'_>) -> bool {
    let ty = ty.canonical();
    ty.kind() == sys::CXType_Pointer
        && matches!(
            ty.pointee().canonical().kind(),
            sys::CXType_FunctionProto | sys::CXType_FunctionNoProto
        )
}

/// Whether `expression` is what the assignment `parent` assigns to.
fn is_left_side(parent: Cursor<'_>, expression: Cursor<'_>) -> bool {
    // Two visits may give cursors that libclang does not call equal.
    let same = |left: &Cursor<'_>| {
        left.kind() == expression.kind() && left.extent() == expression.extent()
    };
    parent.children().first().is_some_and(same)
}

/// Whether `operation` is `++` or `--`.
fn is_step(operation: Cursor<'_>) -> bool {
    matches!(
        operation.unary_operator(),
        sys::CXUnaryOperator_PostInc
            | sys::CXUnaryOperator_PostDec
            | sys::CXUnaryOperator_PreInc
            | sys::CXUnaryOperator_PreDec
    )
}

/// The expression inside parentheses and casts, written or implied.
fn without_casts(mut expression: Cursor<'_>) -> Cursor<'_> {
    while matches!(
        expression.kind(),
        sys::CXCursor_UnexposedExpr | sys::CXCursor_ParenExpr | sys::CXCursor_CStyleCastExpr
    ) {
        match expression.children().last() {
            Some(inner) => expression = *inner,
            None => break,
        }
    }
    expression
}
