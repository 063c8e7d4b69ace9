// See input.h.
#include "input.h"

#include <clang/Frontend/Utils.h>
#include <llvm/ADT/SmallString.h>
#include <llvm/Support/FileSystem.h>
#include <llvm/Support/MemoryBuffer.h>

#include <string>
#include <vector>

bcc::FileSystem bcc::overlay_of(llvm::ArrayRef<bcc_file> files) {
  auto overlay =
      llvm::makeIntrusiveRefCnt<llvm::vfs::OverlayFileSystem>(llvm::vfs::getRealFileSystem());
  auto memory = llvm::makeIntrusiveRefCnt<llvm::vfs::InMemoryFileSystem>();
  // Before the first file: relative names are made absolute as they are added.
  llvm::SmallString<128> directory;
  if (!llvm::sys::fs::current_path(directory)) memory->setCurrentWorkingDirectory(directory);
  for (const bcc_file &file : files)
    memory->addFile(
        text_of(file.path), 0,
        llvm::MemoryBuffer::getMemBufferCopy(text_of(file.text), text_of(file.path)));
  overlay->pushOverlay(memory);
  return overlay;
}

std::shared_ptr<clang::CompilerInvocation> bcc::invocation_of(const Input &input,
                                                              FileSystem overlay,
                                                              Diagnostics diagnostics) {
  std::vector<std::string> words = {"clang", "-fsyntax-only"};
  for (bcc_bytes arg : input.args) words.push_back(text_of(arg).str());
  words.push_back("-xc");
  words.push_back(input.main.str());
  std::vector<const char *> argv;
  for (const std::string &word : words) argv.push_back(word.c_str());
  clang::CreateInvocationOptions how;
  how.Diags = diagnostics;
  how.VFS = overlay;
  std::shared_ptr<clang::CompilerInvocation> invocation = clang::createInvocation(argv, how);
  if (diagnostics->hasErrorOccurred()) return nullptr;
  return invocation;
}
