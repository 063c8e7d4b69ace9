/* What every program of the dialect may use without an #include, as far as it is the same in both
 * readings of a text, see readings.h.
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
