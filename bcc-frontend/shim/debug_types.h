// How much debug information says of precompiled types.
#ifndef BCC_DEBUG_TYPES_H
#define BCC_DEBUG_TYPES_H

#include <clang/AST/ASTConsumer.h>
#include <clang/CodeGen/CodeGenAction.h>

#include <memory>

namespace bcc {

// C to a module. With `refers`, precompiled structs that are not used by value are only declared.
class EmitModule : public clang::EmitLLVMOnlyAction {
 public:
  EmitModule(llvm::LLVMContext *context, bool refers)
      : EmitLLVMOnlyAction(context), refers_(refers) {}

 protected:
  std::unique_ptr<clang::ASTConsumer> CreateASTConsumer(clang::CompilerInstance &compiler,
                                                        llvm::StringRef file) override;

 private:
  bool refers_;
};

}  // namespace bcc
#endif
