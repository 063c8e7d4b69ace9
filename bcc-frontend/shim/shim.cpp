// C text in memory to an LLVM module in memory, with diagnostics as data.
#include "debug_types.h"
#include "input.h"

#include <clang/Basic/Diagnostic.h>
#include <clang/Basic/FileManager.h>
#include <clang/Basic/SourceManager.h>
#include <clang/Frontend/CompilerInstance.h>
#include <clang/Frontend/CompilerInvocation.h>
#include <clang/Frontend/FrontendActions.h>
#include <llvm/IR/Function.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/Module.h>
#include <llvm/Transforms/Utils/Cloning.h>

#include <algorithm>
#include <memory>
#include <string>

namespace {

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
    report_(user_, severity, bcc::bytes_of(file), line, column, bcc::bytes_of(message));
  }

 private:
  bcc_diagnostic_fn report_;
  void *user_;
};

// One optimisation pipeline runs later, over the lowered module: clang is to emit what that needs
// (lifetime markers, no `optnone`) and to run no pass of its own. Kernel code breaks C's aliasing
// rules, so there is no type-based alias information.
// DWARF of no version: what debug information says goes into BTF only, see also make_bpf.
void set_code_generation(clang::CompilerInvocation &invocation) {
  clang::CodeGenOptions &options = invocation.getCodeGenOpts();
  options.OptimizationLevel = 2;
  options.DisableO0ImplyOptNone = true;
  options.setInlining(clang::CodeGenOptions::NormalInlining);
  options.DisableLLVMPasses = true;
  options.RelaxedAliasing = true;
  options.NoUseJumpTables = true;
  options.setDebugInfo(llvm::codegenoptions::LimitedDebugInfo);
  options.DwarfVersion = 0;
  options.EmbedSource = false;
  invocation.getLangOpts().Optimize = 1;
  invocation.getFrontendOpts().DisableFree = false;
  invocation.getDiagnosticOpts().ShowCarets = false;
}

// Kernel headers are parsed for the host; from here on the code is BPF's, which has no processor of
// that name, and a stack that is aligned to 8 bytes.
void make_bpf(llvm::Module &module) {
  // With this flag and no version of DWARF, LLVM writes no DWARF beside the BTF, which nobody would read.
  module.addModuleFlag(llvm::Module::Warning, "CodeView", 1);
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
  bcc::Input input{bcc::text_of(main), {files, file_count}, {args, arg_count}};
  bcc::FileSystem overlay = bcc::overlay_of(input.files);
  auto diagnostics = clang::CompilerInstance::createDiagnostics(new clang::DiagnosticOptions(),
                                                                &reporter, false);
  auto invocation = bcc::invocation_of(input, overlay, diagnostics);
  if (!invocation) return nullptr;
  set_code_generation(*invocation);
  // clang's own way, -dwarf-ext-refs, leaves out what is used by value, too.
  bool refers = invocation->getCodeGenOpts().DebugTypeExtRefs;
  invocation->getCodeGenOpts().DebugTypeExtRefs = false;

  clang::CompilerInstance compiler;
  compiler.setInvocation(invocation);
  compiler.createDiagnostics(&reporter, false);
  compiler.createFileManager(overlay);
  bcc::EmitModule action(llvm::unwrap(context), refers);
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

extern "C" int bcc_shim_precompile(bcc_bytes main, const bcc_file *files, size_t file_count,
                                   const bcc_bytes *args, size_t arg_count, bcc_bytes to,
                                   bcc_diagnostic_fn report, void *user) noexcept {
  Reporter reporter(report, user);
  bcc::Input input{bcc::text_of(main), {files, file_count}, {args, arg_count}};
  bcc::FileSystem overlay = bcc::overlay_of(input.files);
  auto diagnostics = clang::CompilerInstance::createDiagnostics(new clang::DiagnosticOptions(),
                                                                &reporter, false);
  auto invocation = bcc::invocation_of(input, overlay, diagnostics);
  if (!invocation) return 0;
  invocation->getFrontendOpts().OutputFile = bcc::text_of(to).str();
  invocation->getFrontendOpts().ProgramAction = clang::frontend::GeneratePCH;
  clang::CompilerInstance compiler;
  compiler.setInvocation(invocation);
  compiler.createDiagnostics(&reporter, false);
  compiler.createFileManager(overlay);
  clang::GeneratePCHAction action;
  return compiler.ExecuteAction(action) && !compiler.getDiagnostics().hasErrorOccurred();
}
