// C text in memory to an LLVM module in memory, with diagnostics as data.
#include "shim.h"

#include <clang/Basic/Diagnostic.h>
#include <clang/Basic/FileManager.h>
#include <clang/Basic/SourceManager.h>
#include <clang/CodeGen/CodeGenAction.h>
#include <clang/Frontend/CompilerInstance.h>
#include <clang/Frontend/CompilerInvocation.h>
#include <clang/Frontend/Utils.h>
#include <llvm/IR/Function.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/Module.h>
#include <llvm/Support/MemoryBuffer.h>
#include <llvm/Support/VirtualFileSystem.h>
#include <llvm/Transforms/Utils/Cloning.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

namespace {

llvm::StringRef text_of(bcc_bytes bytes) { return llvm::StringRef(bytes.data, bytes.len); }

bcc_bytes bytes_of(llvm::StringRef text) { return bcc_bytes{text.data(), text.size()}; }

// Hands each diagnostic on; never prints.
class Reporter : public clang::DiagnosticConsumer {
 public:
  Reporter(bcc_diagnostic_fn report, void *user) : report_(report), user_(user) {}

  void HandleDiagnostic(clang::DiagnosticsEngine::Level level,
                        const clang::Diagnostic &info) override {
    clang::DiagnosticConsumer::HandleDiagnostic(level, info);
    llvm::SmallString<256> message;
    info.FormatDiagnostic(message);
    llvm::StringRef file;
    unsigned line = 0, column = 0;
    if (info.getLocation().isValid() && info.hasSourceManager()) {
      const clang::SourceManager &sources = info.getSourceManager();
      clang::PresumedLoc place =
          sources.getPresumedLoc(sources.getExpansionLoc(info.getLocation()));
      if (place.isValid()) {
        file = place.getFilename();
        line = place.getLine();
        column = place.getColumn();
      }
    }
    int severity = level >= clang::DiagnosticsEngine::Error     ? 2
                   : level == clang::DiagnosticsEngine::Warning ? 1
                                                                : 0;
    report_(user_, severity, bytes_of(file), line, column, bytes_of(message));
  }

 private:
  bcc_diagnostic_fn report_;
  void *user_;
};

// The overlay in front of the disk. The main text may lack a final newline or hold NUL bytes.
llvm::IntrusiveRefCntPtr<llvm::vfs::FileSystem> overlay_of(const bcc_file *files, size_t count) {
  auto overlay =
      llvm::makeIntrusiveRefCnt<llvm::vfs::OverlayFileSystem>(llvm::vfs::getRealFileSystem());
  auto memory = llvm::makeIntrusiveRefCnt<llvm::vfs::InMemoryFileSystem>();
  for (size_t i = 0; i < count; i++)
    memory->addFile(text_of(files[i].path), 0,
                    llvm::MemoryBuffer::getMemBufferCopy(text_of(files[i].text),
                                                         text_of(files[i].path)));
  overlay->pushOverlay(memory);
  return overlay;
}

// One optimisation pipeline runs later, over the lowered module: clang is to emit what that needs
// (lifetime markers, no `optnone`) and to run no pass of its own. Kernel code breaks C's aliasing
// rules, so there is no type-based alias information.
void set_code_generation(clang::CompilerInvocation &invocation) {
  clang::CodeGenOptions &options = invocation.getCodeGenOpts();
  options.OptimizationLevel = 2;
  options.DisableO0ImplyOptNone = true;
  options.setInlining(clang::CodeGenOptions::NormalInlining);
  options.DisableLLVMPasses = true;
  options.RelaxedAliasing = true;
  options.NoUseJumpTables = true;
  options.setDebugInfo(llvm::codegenoptions::LimitedDebugInfo);
  options.DwarfVersion = 5;
  options.EmbedSource = false;
  invocation.getLangOpts().Optimize = 1;
  invocation.getFrontendOpts().DisableFree = false;
  invocation.getDiagnosticOpts().ShowCarets = false;
}

// Kernel headers are parsed for the host; from here on the code is BPF's, which has no processor of
// that name, and a stack that is aligned to 8 bytes.
void make_bpf(llvm::Module &module) {
  if (llvm::StringRef(module.getTargetTriple()).starts_with("bpf")) return;
  bool big = module.getDataLayout().isBigEndian();
  module.setTargetTriple(big ? "bpfeb" : "bpf");
  module.setDataLayout(std::string(big ? "E" : "e") + "-m:e-p:64:64-i64:64-i128:128-n32:64-S128");
  for (llvm::Function &function : module) {
    for (const char *name : {"target-cpu", "target-features", "tune-cpu", "frame-pointer",
                             "min-legal-vector-width", "stack-protector-buffer-size"})
      function.removeFnAttr(name);
    for (llvm::BasicBlock &block : function)
      for (llvm::Instruction &instruction : block)
        if (auto *slot = llvm::dyn_cast<llvm::AllocaInst>(&instruction))
          slot->setAlignment(std::min(slot->getAlign(), llvm::Align(8)));
  }
}

}  // namespace

extern "C" LLVMModuleRef bcc_shim_compile(LLVMContextRef context, bcc_bytes main,
                                          const bcc_file *files, size_t file_count,
                                          const bcc_bytes *args, size_t arg_count,
                                          bcc_diagnostic_fn report, void *user) noexcept {
  Reporter reporter(report, user);
  auto vfs = overlay_of(files, file_count);
  auto diagnostics = clang::CompilerInstance::createDiagnostics(new clang::DiagnosticOptions(),
                                                                &reporter, false);
  std::vector<std::string> words = {"clang", "-fsyntax-only"};
  for (size_t i = 0; i < arg_count; i++) words.push_back(text_of(args[i]).str());
  words.push_back("-xc");
  words.push_back(text_of(main).str());
  std::vector<const char *> argv;
  for (const std::string &word : words) argv.push_back(word.c_str());

  clang::CreateInvocationOptions how;
  how.Diags = diagnostics;
  how.VFS = vfs;
  std::shared_ptr<clang::CompilerInvocation> invocation = clang::createInvocation(argv, how);
  if (!invocation || diagnostics->hasErrorOccurred()) return nullptr;
  set_code_generation(*invocation);

  clang::CompilerInstance compiler;
  compiler.setInvocation(invocation);
  compiler.createDiagnostics(&reporter, false);
  compiler.createFileManager(vfs);
  clang::EmitLLVMOnlyAction action(llvm::unwrap(context));
  if (!compiler.ExecuteAction(action) || compiler.getDiagnostics().hasErrorOccurred())
    return nullptr;
  std::unique_ptr<llvm::Module> module = action.takeModule();
  if (module) make_bpf(*module);
  return llvm::wrap(module.release());
}

extern "C" LLVMValueRef bcc_shim_clone_function(LLVMValueRef function) noexcept {
  llvm::ValueToValueMapTy values;
  return llvm::wrap(llvm::CloneFunction(llvm::unwrap<llvm::Function>(function), values));
}
