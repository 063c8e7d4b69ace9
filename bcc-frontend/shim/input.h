// Text in memory as clang's own structures: what parsing and compiling have in common.
#ifndef BCC_INPUT_H
#define BCC_INPUT_H

#include "shim.h"

#include <clang/Basic/Diagnostic.h>
#include <clang/Frontend/CompilerInvocation.h>
#include <llvm/Support/VirtualFileSystem.h>

#include <memory>

namespace bcc {

using FileSystem = llvm::IntrusiveRefCntPtr<llvm::vfs::FileSystem>;
using Diagnostics = llvm::IntrusiveRefCntPtr<clang::DiagnosticsEngine>;

struct Input {
  llvm::StringRef main;
  llvm::ArrayRef<bcc_file> files;
  llvm::ArrayRef<bcc_bytes> args;
};

inline llvm::StringRef text_of(bcc_bytes bytes) {
  return llvm::StringRef(bytes.data, bytes.len);
}

inline bcc_bytes bytes_of(llvm::StringRef text) { return bcc_bytes{text.data(), text.size()}; }

// The files in front of the disk. The main text may lack a final newline or hold NUL bytes.
FileSystem overlay_of(llvm::ArrayRef<bcc_file> files);

// What the arguments ask of clang, or null after an error that `diagnostics` has told.
std::shared_ptr<clang::CompilerInvocation> invocation_of(const Input &input, FileSystem overlay,
                                                         Diagnostics diagnostics);

}  // namespace bcc

#endif
