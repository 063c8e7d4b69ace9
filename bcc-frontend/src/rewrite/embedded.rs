//! The dialect's own headers, compiled into the library.

/// Path that clang sees, and text, of every file of `headers/bcc`. `helpers.h` is to be included in
/// front of the user's text, after the kernel's types and macros.
pub const BCC_HEADERS: &[(&str, &str)] = &[
    ("/virtual/include/bcc/always.h", include_str!("../../../headers/bcc/always.h")),
    ("/virtual/include/bcc/builtins.h", include_str!("../../../headers/bcc/builtins.h")),
    ("/virtual/include/bcc/footer.h", include_str!("../../../headers/bcc/footer.h")),
    ("/virtual/include/bcc/helper_ids.h", include_str!("../../../headers/bcc/helper_ids.h")),
    ("/virtual/include/bcc/helpers.h", include_str!("../../../headers/bcc/helpers.h")),
    ("/virtual/include/bcc/methods.h", include_str!("../../../headers/bcc/methods.h")),
    ("/virtual/include/bcc/packet.h", include_str!("../../../headers/bcc/packet.h")),
    ("/virtual/include/bcc/program.h", include_str!("../../../headers/bcc/program.h")),
    ("/virtual/include/bcc/proto.h", include_str!("../../../headers/bcc/proto.h")),
    ("/virtual/include/bcc/pt_regs.h", include_str!("../../../headers/bcc/pt_regs.h")),
    ("/virtual/include/bcc/readings.h", include_str!("../../../headers/bcc/readings.h")),
    ("/virtual/include/bcc/tables.h", include_str!("../../../headers/bcc/tables.h")),
    ("/virtual/include/bcc/types.h", include_str!("../../../headers/bcc/types.h")),
];
