// The C face of clang's C++ API: no C++ type and no exception crosses it.
#ifndef BCC_SHIM_H
#define BCC_SHIM_H

#include <llvm-c/Types.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

// A run of bytes; not terminated.
struct bcc_bytes {
  const char *data;
  size_t len;
};

// One file of the overlay, by absolute path.
struct bcc_file {
  struct bcc_bytes path;
  struct bcc_bytes text;
};

// Severities: 0 note, 1 warning, 2 error. `line` is 0 when there is no place.
typedef void (*bcc_diagnostic_fn)(void *user, int severity, struct bcc_bytes file, unsigned line,
                                  unsigned column, struct bcc_bytes message);

// Compiles `main` to an unoptimised module owned by the caller, or returns NULL after at least one
// error. `args` is a clang command line without the program's name and without the main file.
LLVMModuleRef bcc_shim_compile(LLVMContextRef context, struct bcc_bytes main,
                               const struct bcc_file *files, size_t file_count,
                               const struct bcc_bytes *args, size_t arg_count,
                               bcc_diagnostic_fn report, void *user);

// Writes what clang made of `main` to the file `to`, for `-include-pch`; 0 after at least one error.
int bcc_shim_precompile(struct bcc_bytes main, const struct bcc_file *files, size_t file_count,
                        const struct bcc_bytes *args, size_t arg_count, struct bcc_bytes to,
                        bcc_diagnostic_fn report, void *user);

// A copy of a function's body with a debug subprogram of its own, in the same module.
LLVMValueRef bcc_shim_clone_function(LLVMValueRef function);

#ifdef __cplusplus
}
#endif
#endif
