/* What every program of the dialect may use without an #include. Included in front of the user's
 * text, after the types and macros of the kernel that the program is compiled for.
 */
#pragma once

#include <bcc/always.h>
#include <bcc/readings.h>
