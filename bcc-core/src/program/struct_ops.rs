//! Kernel structs of functions that programs can stand in for (`struct tcp_congestion_ops`), as the
//! kernel's BTF describes them.

use bcc_sys::btf::lookup::{composite, member, size_of};
use bcc_sys::btf::{Index, Type};

/// A struct of functions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StructOps {
    /// Type id of the struct.
    pub type_id: u32,
    /// Type id of what the kernel wraps it in, the value of a `STRUCT_OPS` map.
    pub value_type_id: u32,
    /// Bytes of that.
    pub value_size: usize,
    /// Where the struct is in it, in bytes.
    pub data_offset: usize,
    /// Members in order.
    pub members: Vec<Member>,
}

/// A member of a struct of functions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Name; empty for an anonymous one.
    pub name: String,
    /// Offset in the struct, in bytes.
    pub offset: usize,
    /// Bytes.
    pub size: usize,
    /// Whether it is a function, rather than data.
    pub is_function: bool,
}

impl StructOps {
    /// What the kernel's types say of `struct name`; `None` when programs cannot stand in for it.
    pub fn describe(index: &Index, name: &str) -> Option<Self> {
        let btf = index.btf();
        let type_id = index.composite(name)?;
        let value_type_id = index.composite(&format!("bpf_struct_ops_{name}"))?;
        let data = member(btf, value_type_id, "data")?;
        let members = composite(btf, type_id)?.members().map(|field| Member {
            name: field.name.to_owned(),
            offset: field.bit_offset as usize / 8,
            size: size_of(btf, field.ty).unwrap_or(0) as usize,
            is_function: match btf.resolve(field.ty) {
                Some((_, Type::Ptr(to))) => {
                    matches!(btf.resolve(to), Some((_, Type::FuncProto(_))))
                }
                _ => false,
            },
        });
        Some(Self {
            type_id: type_id.0,
            value_type_id: value_type_id.0,
            value_size: composite(btf, value_type_id)?.size as usize,
            data_offset: data.bit_offset as usize / 8,
            members: members.collect(),
        })
    }

    /// The member of that name, and its number.
    pub fn member(&self, name: &str) -> Option<(u32, &Member)> {
        let at = self.members.iter().position(|member| member.name == name)?;
        Some((u32::try_from(at).ok()?, &self.members[at]))
    }
}
