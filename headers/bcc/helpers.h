/* What every program of the dialect may use without an #include. Included in front of the user's
 * text, after the types and macros of the kernel that the program is compiled for.
 *
 * With __BCC_PARSE__ the text is only type-checked: methods are members of the table structs, and
 * bpf_trace_printk and its kin are functions. Without it, the rewritten text is compiled:
 * `table.method(args)` has become `bcc_method(table, args)`, see methods.h.
 */
#pragma once

#ifdef BPF_LICENSE
#error BPF_LICENSE cannot be specified through cflags
#endif

#include <bcc/types.h>
#include <bcc/helper_ids.h>
#include <bcc/tables.h>
#include <bcc/methods.h>
#include <bcc/builtins.h>
#include <bcc/packet.h>
#include <bcc/program.h>
#include <bcc/pt_regs.h>
