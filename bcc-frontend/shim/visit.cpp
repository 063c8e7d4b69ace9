// The tree: which nodes are below which. See cindex.h.
#include "cindex.h"

#include <clang/AST/Stmt.h>
#include <clang/AST/TypeLoc.h>
#include <llvm/ADT/SmallVector.h>

using clang::ASTUnit;
using llvm::dyn_cast;

namespace {

using Children = llvm::SmallVector<CXCursor, 8>;

class Collector {
 public:
  explicit Collector(const CXCursor &parent) : unit_(bcc::unit_of(parent)) {
    if (parent.kind == CXCursor_TranslationUnit)
      top_level();
    else if (const clang::Decl *decl = bcc::decl_of(parent))
      below(*decl);
    else if (const clang::Stmt *statement = bcc::statement_of(parent))
      below(*statement);
  }

  const Children &children() const { return children_; }

 private:
  template <typename Node>
  void add(const Node *node) {
    if (node) children_.push_back(bcc::cursor_of(node, unit_));
  }

  // Not those of precompiled headers.
  void top_level() {
    if (unit_.getOnlyLocalDecls()) {
      for (auto decl = unit_.top_level_begin(); decl != unit_.top_level_end(); ++decl) add(*decl);
      return;
    }
    for (const clang::Decl *decl : unit_.getASTContext().getTranslationUnitDecl()->decls())
      add(decl);
  }

  void below(const clang::Decl &decl) {
    for (const clang::Attr *attribute : decl.attrs())
      if (!attribute->isImplicit()) add(attribute);
    if (auto *declarator = dyn_cast<clang::DeclaratorDecl>(&decl))
      below(declarator->getTypeSourceInfo());
    if (auto *alias = dyn_cast<clang::TypedefNameDecl>(&decl)) below(alias->getTypeSourceInfo());
    if (auto *function = dyn_cast<clang::FunctionDecl>(&decl)) {
      for (const clang::ParmVarDecl *parameter : function->parameters()) add(parameter);
      if (function->doesThisDeclarationHaveABody()) add(function->getBody());
    } else if (auto *variable = dyn_cast<clang::VarDecl>(&decl)) {
      add(variable->getInit());
    } else if (auto *field = dyn_cast<clang::FieldDecl>(&decl)) {
      if (field->isBitField()) add(field->getBitWidth());
    } else if (auto *enumerator = dyn_cast<clang::EnumConstantDecl>(&decl)) {
      add(enumerator->getInitExpr());
    } else if (auto *tag = dyn_cast<clang::TagDecl>(&decl)) {
      for (const clang::Decl *member : tag->decls()) add(member);
    }
  }

  void below(const clang::Stmt &statement) {
    if (auto *declarations = dyn_cast<clang::DeclStmt>(&statement)) {
      for (const clang::Decl *decl : declarations->decls()) add(decl);
      return;
    }
    if (auto *designated = dyn_cast<clang::DesignatedInitExpr>(&statement)) {
      for (unsigned i = 1; i < designated->getNumSubExprs(); i++) add(designated->getSubExpr(i));
      add(designated->getInit());
      return;
    }
    if (auto *member = dyn_cast<clang::MemberExpr>(&statement)) {
      add(written_base(*member));
      return;
    }
    written_type(statement);
    const clang::Stmt *whole = &statement;
    if (auto *list = dyn_cast<clang::InitListExpr>(whole))
      if (const clang::InitListExpr *written = list->getSyntacticForm()) whole = written;
    for (const clang::Stmt *child : whole->children()) add(child);
  }

  // Without the anonymous structs and unions in between, which the text does not name.
  static const clang::Expr *written_base(const clang::MemberExpr &member) {
    const clang::Expr *base = member.getBase();
    while (auto *inner = dyn_cast<clang::MemberExpr>(base)) {
      auto *field = dyn_cast<clang::FieldDecl>(inner->getMemberDecl());
      if (!field || !field->isAnonymousStructOrUnion()) break;
      base = inner->getBase();
    }
    return base;
  }

  // What stands in the type that an expression names.
  void written_type(const clang::Stmt &statement) {
    if (auto *cast = dyn_cast<clang::ExplicitCastExpr>(&statement))
      below(cast->getTypeInfoAsWritten());
    else if (auto *literal = dyn_cast<clang::CompoundLiteralExpr>(&statement))
      below(literal->getTypeSourceInfo());
    else if (auto *argument = dyn_cast<clang::VAArgExpr>(&statement))
      below(argument->getWrittenTypeInfo());
    else if (auto *offset = dyn_cast<clang::OffsetOfExpr>(&statement))
      below(offset->getTypeSourceInfo());
    else if (auto *of_type = dyn_cast<clang::UnaryExprOrTypeTraitExpr>(&statement))
      if (of_type->isArgumentType()) below(of_type->getArgumentTypeInfo());
  }

  // Expressions in a written type: lengths of arrays, operands of `typeof`.
  void below(const clang::TypeSourceInfo *type) {
    if (!type) return;
    for (clang::TypeLoc part = type->getTypeLoc(); part; part = part.getNextTypeLoc()) {
      if (auto array = part.getAs<clang::ArrayTypeLoc>())
        add(array.getSizeExpr());
      else if (auto of_expression = part.getAs<clang::TypeOfExprTypeLoc>())
        add(of_expression.getUnderlyingExpr());
      else if (auto of_type = part.getAs<clang::TypeOfTypeLoc>())
        below(of_type.getUnmodifiedTInfo());
    }
  }

  ASTUnit &unit_;
  Children children_;
};

}  // namespace

unsigned clang_visitChildren(CXCursor parent, CXCursorVisitor visitor, CXClientData data) {
  Collector found(parent);
  for (const CXCursor &child : found.children()) {
    switch (visitor(child, parent, data)) {
      case CXChildVisit_Break:
        return 1;
      case CXChildVisit_Continue:
        break;
      case CXChildVisit_Recurse:
        if (clang_visitChildren(child, visitor, data)) return 1;
    }
  }
  return 0;
}
