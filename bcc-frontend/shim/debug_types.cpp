// Debug information over precompiled headers: members of those structs only that the text uses by value.
#include "debug_types.h"

#include <clang/AST/ASTContext.h>
#include <clang/AST/Decl.h>
#include <clang/Frontend/MultiplexConsumer.h>
#include <clang/Sema/ExternalSemaSource.h>
#include <clang/Sema/MultiplexExternalSemaSource.h>
#include <llvm/ADT/DenseSet.h>

#include <utility>
#include <vector>

using clang::Decl;
using clang::RecordDecl;
using llvm::dyn_cast;

namespace {

// A reader of precompiled headers that says of each of their structs that it is described elsewhere,
// unless it is wanted. That question is not passed on to sources, the others are: those beside the
// reader know nothing.
class Elsewhere : public clang::MultiplexExternalSemaSource {
 public:
  explicit Elsewhere(clang::ExternalSemaSource *reader)
      : MultiplexExternalSemaSource(reader, new clang::ExternalSemaSource()) {}

  // The struct that a value of the type holds, itself or in an array, and what that holds in turn.
  void want(clang::QualType type) {
    if (type.isNull()) return;
    const RecordDecl *record = type->getBaseElementTypeUnsafe()->getAsRecordDecl();
    if (record && (record = record->getDefinition())) want(*record);
  }

  // What one of the text's declarations uses.
  void want_for(const Decl &decl) {
    if (auto *variable = dyn_cast<clang::VarDecl>(&decl)) want(variable->getType());
    if (auto *record = dyn_cast<RecordDecl>(&decl)) want(*record);
    if (auto *function = dyn_cast<clang::FunctionDecl>(&decl)) {
      // The verifier measures what the parameters of global functions point to, if they are called.
      if (!function->isGlobal() || !function->isUsed(/*CheckUsedAttr=*/false)) return;
      for (const clang::ParmVarDecl *parameter : function->parameters())
        want(parameter->getType()->getPointeeType());
    }
  }

  ExtKind hasExternalDefinitions(const Decl *decl) override {
    auto *record = dyn_cast<RecordDecl>(decl);
    const RecordDecl *definition = record ? record->getDefinition() : nullptr;
    bool is_elsewhere = definition && definition->isFromASTFile() && definition->getIdentifier() &&
                        !wanted_.contains(definition);
    return is_elsewhere ? EK_Always : EK_ReplyHazy;
  }

 private:
  void want(const RecordDecl &record) {
    if (!wanted_.insert(&record).second) return;
    for (const clang::FieldDecl *field : record.fields()) want(field->getType());
  }

  llvm::DenseSet<const RecordDecl *> wanted_;
};

// Holds declarations back until all are known, so that a type is described alike for each of them.
class Later : public clang::MultiplexConsumer {
 public:
  using MultiplexConsumer::MultiplexConsumer;

  bool HandleTopLevelDecl(clang::DeclGroupRef group) override {
    groups_.push_back(group);
    return true;
  }

  void CompleteTentativeDefinition(clang::VarDecl *variable) override {
    tentative_.push_back(variable);
  }

  void CompleteExternalDeclaration(clang::DeclaratorDecl *declared) override {
    external_.push_back(declared);
  }

  void HandleTranslationUnit(clang::ASTContext &context) override {
    llvm::IntrusiveRefCntPtr<clang::ExternalASTSource> before(context.getExternalSource());
    if (auto *reader = llvm::dyn_cast_or_null<clang::ExternalSemaSource>(before.get())) {
      auto elsewhere = llvm::makeIntrusiveRefCnt<Elsewhere>(reader);
      for (clang::DeclGroupRef group : groups_)
        for (const Decl *decl : group)
          if (!decl->isFromASTFile()) elsewhere->want_for(*decl);
      context.setExternalSource(std::move(elsewhere));
    }
    for (clang::DeclGroupRef group : groups_) MultiplexConsumer::HandleTopLevelDecl(group);
    for (clang::VarDecl *variable : tentative_)
      MultiplexConsumer::CompleteTentativeDefinition(variable);
    for (clang::DeclaratorDecl *declared : external_)
      MultiplexConsumer::CompleteExternalDeclaration(declared);
    MultiplexConsumer::HandleTranslationUnit(context);
    context.setExternalSource(std::move(before));
  }

 private:
  std::vector<clang::DeclGroupRef> groups_;
  std::vector<clang::VarDecl *> tentative_;
  std::vector<clang::DeclaratorDecl *> external_;
};

}  // namespace

std::unique_ptr<clang::ASTConsumer> bcc::EmitModule::CreateASTConsumer(
    clang::CompilerInstance &compiler, llvm::StringRef file) {
  auto consumer = EmitLLVMOnlyAction::CreateASTConsumer(compiler, file);
  if (!consumer || !refers_) return consumer;
  std::vector<std::unique_ptr<clang::ASTConsumer>> consumers;
  consumers.push_back(std::move(consumer));
  return std::make_unique<Later>(std::move(consumers));
}
