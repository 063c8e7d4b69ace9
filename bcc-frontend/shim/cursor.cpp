// What single nodes of the tree are and say. See cindex.h.
#include "cindex.h"

#include <clang/AST/Stmt.h>
#include <clang/Lex/Lexer.h>
#include <llvm/Support/raw_ostream.h>

using clang::Decl;
using clang::Expr;
using clang::SourceLocation;
using clang::SourceManager;
using clang::Stmt;
using llvm::dyn_cast;
using llvm::dyn_cast_or_null;

namespace {

CXCursorKind kind_of(const Decl &decl) {
  switch (decl.getKind()) {
    case Decl::Function:
      return CXCursor_FunctionDecl;
    case Decl::Var:
      return CXCursor_VarDecl;
    case Decl::ParmVar:
      return CXCursor_ParmDecl;
    case Decl::Field:
      return CXCursor_FieldDecl;
    case Decl::Record:
      return llvm::cast<clang::RecordDecl>(decl).isUnion() ? CXCursor_UnionDecl
                                                            : CXCursor_StructDecl;
    case Decl::Enum:
      return CXCursor_EnumDecl;
    case Decl::EnumConstant:
      return CXCursor_EnumConstantDecl;
    case Decl::Typedef:
      return CXCursor_TypedefDecl;
    default:
      return CXCursor_UnexposedDecl;
  }
}

CXCursorKind kind_of(const Stmt &statement) {
  switch (statement.getStmtClass()) {
    case Stmt::CompoundStmtClass:
      return CXCursor_CompoundStmt;
    case Stmt::DeclStmtClass:
      return CXCursor_DeclStmt;
    case Stmt::DeclRefExprClass:
      return CXCursor_DeclRefExpr;
    case Stmt::MemberExprClass:
      return CXCursor_MemberRefExpr;
    case Stmt::CallExprClass:
      return CXCursor_CallExpr;
    case Stmt::IntegerLiteralClass:
      return CXCursor_IntegerLiteral;
    case Stmt::FloatingLiteralClass:
      return CXCursor_FloatingLiteral;
    case Stmt::StringLiteralClass:
      return CXCursor_StringLiteral;
    case Stmt::CharacterLiteralClass:
      return CXCursor_CharacterLiteral;
    case Stmt::ParenExprClass:
      return CXCursor_ParenExpr;
    case Stmt::UnaryOperatorClass:
      return CXCursor_UnaryOperator;
    case Stmt::ArraySubscriptExprClass:
      return CXCursor_ArraySubscriptExpr;
    case Stmt::BinaryOperatorClass:
      return CXCursor_BinaryOperator;
    case Stmt::CompoundAssignOperatorClass:
      return CXCursor_CompoundAssignOperator;
    case Stmt::ConditionalOperatorClass:
      return CXCursor_ConditionalOperator;
    case Stmt::CStyleCastExprClass:
      return CXCursor_CStyleCastExpr;
    case Stmt::CompoundLiteralExprClass:
      return CXCursor_CompoundLiteralExpr;
    case Stmt::InitListExprClass:
      return CXCursor_InitListExpr;
    case Stmt::AddrLabelExprClass:
      return CXCursor_AddrLabelExpr;
    case Stmt::StmtExprClass:
      return CXCursor_StmtExpr;
    case Stmt::GenericSelectionExprClass:
      return CXCursor_GenericSelectionExpr;
    case Stmt::UnaryExprOrTypeTraitExprClass:
      return CXCursor_UnaryExpr;
    default:
      return llvm::isa<Expr>(statement) ? CXCursor_UnexposedExpr : CXCursor_UnexposedStmt;
  }
}

bool within(CXCursorKind kind, CXCursorKind first, CXCursorKind last) {
  return first <= kind && kind <= last;
}

CXCursor no_cursor(const CXCursor &like) {
  return bcc::cursor_of(CXCursor_InvalidFile, nullptr, bcc::unit_of(like));
}

const SourceManager &sources_of(const CXCursor &cursor) {
  return bcc::unit_of(cursor).getSourceManager();
}

// The declaration that an expression names, through calls and conversions.
const Decl *named_by(const Expr *expression) {
  if (auto *cast = dyn_cast_or_null<clang::ImplicitCastExpr>(expression))
    return named_by(cast->getSubExpr());
  if (auto *call = dyn_cast_or_null<clang::CallExpr>(expression)) return named_by(call->getCallee());
  if (auto *reference = dyn_cast_or_null<clang::DeclRefExpr>(expression))
    return reference->getDecl();
  if (auto *member = dyn_cast_or_null<clang::MemberExpr>(expression)) return member->getMemberDecl();
  return nullptr;
}

// Of the name, where there is one.
SourceLocation place_of(const Expr &expression) {
  if (auto *cast = dyn_cast<clang::ImplicitCastExpr>(&expression)) return place_of(*cast->getSubExpr());
  if (auto *member = dyn_cast<clang::MemberExpr>(&expression)) return member->getMemberLoc();
  return expression.getBeginLoc();
}

SourceLocation place_of(const CXCursor &cursor) {
  if (const Expr *expression = bcc::expression_of(cursor)) return place_of(*expression);
  if (const Stmt *statement = bcc::statement_of(cursor)) return statement->getBeginLoc();
  if (const Decl *decl = bcc::decl_of(cursor)) return decl->getLocation();
  if (const clang::Attr *attribute = bcc::attribute_of(cursor)) return attribute->getLocation();
  return SourceLocation();
}

// Behind the last token; for one that a macro makes, behind the use of the macro.
SourceLocation behind(SourceLocation end, const SourceManager &sources,
                      const clang::LangOptions &language) {
  bool is_token = true;
  if (end.isMacroID() && !sources.isMacroArgExpansion(end)) {
    clang::CharSourceRange use = sources.getExpansionRange(end);
    end = use.getEnd();
    is_token = use.isTokenRange();
  }
  if (end.isInvalid() || !is_token) return end;
  SourceLocation spelled = sources.getSpellingLoc(end);
  int length = static_cast<int>(clang::Lexer::MeasureTokenLength(spelled, sources, language));
  return end.getLocWithOffset(length);
}

const SourceManager *sources_of(const CXSourceLocation &location) {
  return static_cast<const SourceManager *>(location.ptr_data[0]);
}

SourceLocation location_in(unsigned data) { return SourceLocation::getFromRawEncoding(data); }

CXSourceLocation end_of_range(const CXSourceRange &range, unsigned data) {
  return CXSourceLocation{{range.ptr_data[0], nullptr}, data};
}

}  // namespace

CXCursor bcc::cursor_of(const Decl *decl, const clang::ASTUnit &unit) {
  return cursor_of(decl ? kind_of(*decl) : CXCursor_InvalidFile, decl, unit);
}

CXCursor bcc::cursor_of(const Stmt *statement, const clang::ASTUnit &unit) {
  return cursor_of(kind_of(*statement), statement, unit);
}

CXCursor bcc::cursor_of(const clang::Attr *attribute, const clang::ASTUnit &unit) {
  bool is_text = llvm::isa<clang::AnnotateAttr>(attribute);
  return cursor_of(is_text ? CXCursor_AnnotateAttr : CXCursor_UnexposedAttr, attribute, unit);
}

const Decl *bcc::decl_of(const CXCursor &cursor) {
  bool is_decl = within(cursor.kind, CXCursor_FirstDecl, CXCursor_LastDecl) ||
                 cursor.kind == CXCursor_TranslationUnit;
  return is_decl ? static_cast<const Decl *>(cursor.data[0]) : nullptr;
}

const Stmt *bcc::statement_of(const CXCursor &cursor) {
  bool is_statement = within(cursor.kind, CXCursor_FirstExpr, CXCursor_LastExpr) ||
                      within(cursor.kind, CXCursor_FirstStmt, CXCursor_LastStmt);
  return is_statement ? static_cast<const Stmt *>(cursor.data[0]) : nullptr;
}

const Expr *bcc::expression_of(const CXCursor &cursor) {
  return dyn_cast_or_null<Expr>(statement_of(cursor));
}

const clang::Attr *bcc::attribute_of(const CXCursor &cursor) {
  bool is_attribute = within(cursor.kind, CXCursor_FirstAttr, CXCursor_LastAttr);
  return is_attribute ? static_cast<const clang::Attr *>(cursor.data[0]) : nullptr;
}

CXSourceLocation bcc::location_of(SourceLocation place, const SourceManager &sources) {
  return CXSourceLocation{{&sources, nullptr}, place.getRawEncoding()};
}

unsigned clang_equalCursors(CXCursor one, CXCursor other) {
  return one.kind == other.kind && one.data[0] == other.data[0] && one.data[2] == other.data[2];
}

int clang_Cursor_isNull(CXCursor cursor) { return cursor.data[0] == nullptr; }

unsigned clang_hashCursor(CXCursor cursor) {
  return llvm::DenseMapInfo<const void *>::getHashValue(cursor.data[0]);
}

CXString clang_getCursorSpelling(CXCursor cursor) {
  std::string text;
  llvm::raw_string_ostream out(text);
  const Expr *expression = bcc::expression_of(cursor);
  if (auto *literal = dyn_cast_or_null<clang::StringLiteral>(expression)) {
    literal->outputString(out);
    return bcc::string_of(text);
  }
  auto *attribute = dyn_cast_or_null<clang::AnnotateAttr>(bcc::attribute_of(cursor));
  if (attribute) return bcc::string_of(attribute->getAnnotation());
  const Decl *decl = expression ? named_by(expression) : bcc::decl_of(cursor);
  if (auto *named = dyn_cast_or_null<clang::NamedDecl>(decl))
    named->printName(out, bcc::unit_of(cursor).getASTContext().getPrintingPolicy());
  return bcc::string_of(text);
}

CXSourceLocation clang_getCursorLocation(CXCursor cursor) {
  return bcc::location_of(place_of(cursor), sources_of(cursor));
}

CXSourceRange clang_getCursorExtent(CXCursor cursor) {
  clang::SourceRange range;
  if (const Stmt *statement = bcc::statement_of(cursor))
    range = statement->getSourceRange();
  else if (const Decl *decl = bcc::decl_of(cursor))
    range = decl->getSourceRange();
  else if (const clang::Attr *attribute = bcc::attribute_of(cursor))
    range = attribute->getRange();
  const SourceManager &sources = sources_of(cursor);
  const clang::LangOptions &language = bcc::unit_of(cursor).getASTContext().getLangOpts();
  SourceLocation end = behind(range.getEnd(), sources, language);
  return CXSourceRange{{&sources, nullptr}, range.getBegin().getRawEncoding(), end.getRawEncoding()};
}

CXSourceLocation clang_getRangeStart(CXSourceRange range) {
  return end_of_range(range, range.begin_int_data);
}

CXSourceLocation clang_getRangeEnd(CXSourceRange range) {
  return end_of_range(range, range.end_int_data);
}

void clang_getFileLocation(CXSourceLocation location, CXFile *file, unsigned *line,
                           unsigned *column, unsigned *offset) {
  const SourceManager *sources = sources_of(location);
  SourceLocation place = location_in(location.int_data);
  if (!sources || place.isInvalid()) return;
  auto [id, at] = sources->getDecomposedLoc(sources->getFileLoc(place));
  if (auto entry = sources->getFileEntryRefForID(id))
    *file = const_cast<clang::FileEntryRef::MapEntry *>(&entry->getMapEntry());
  *line = sources->getLineNumber(id, at);
  *column = sources->getColumnNumber(id, at);
  *offset = at;
}

int clang_Location_isInSystemHeader(CXSourceLocation location) {
  const SourceManager *sources = sources_of(location);
  SourceLocation place = location_in(location.int_data);
  return sources && place.isValid() && sources->isInSystemHeader(place);
}

CXCursor clang_getCursorReferenced(CXCursor cursor) {
  if (const Expr *expression = bcc::expression_of(cursor))
    return bcc::cursor_of(named_by(expression), bcc::unit_of(cursor));
  return bcc::decl_of(cursor) ? cursor : no_cursor(cursor);
}

CXCursor clang_getCursorSemanticParent(CXCursor cursor) {
  const Decl *decl = bcc::decl_of(cursor);
  const clang::DeclContext *parent = decl ? decl->getDeclContext() : nullptr;
  return parent ? bcc::cursor_of(Decl::castFromDeclContext(parent), bcc::unit_of(cursor))
                : no_cursor(cursor);
}

int clang_Cursor_getNumArguments(CXCursor cursor) {
  if (auto *function = bcc::decl_as<clang::FunctionDecl>(cursor))
    return static_cast<int>(function->getNumParams());
  if (auto *call = dyn_cast_or_null<clang::CallExpr>(bcc::expression_of(cursor)))
    return static_cast<int>(call->getNumArgs());
  return -1;
}

CXCursor clang_Cursor_getArgument(CXCursor cursor, unsigned index) {
  if (auto *function = bcc::decl_as<clang::FunctionDecl>(cursor))
    return bcc::cursor_of(function->getParamDecl(index), bcc::unit_of(cursor));
  if (auto *call = dyn_cast_or_null<clang::CallExpr>(bcc::expression_of(cursor)))
    return bcc::cursor_of(call->getArg(index), bcc::unit_of(cursor));
  return no_cursor(cursor);
}

CXBinaryOperatorKind clang_getCursorBinaryOperatorKind(CXCursor cursor) {
  auto *operation = dyn_cast_or_null<clang::BinaryOperator>(bcc::expression_of(cursor));
  if (!operation) return CXBinaryOperator_Invalid;
  return static_cast<CXBinaryOperatorKind>(operation->getOpcode() + 1);
}

CXUnaryOperatorKind clang_getCursorUnaryOperatorKind(CXCursor cursor) {
  auto *operation = dyn_cast_or_null<clang::UnaryOperator>(bcc::expression_of(cursor));
  if (!operation) return CXUnaryOperator_Invalid;
  return static_cast<CXUnaryOperatorKind>(operation->getOpcode() + 1);
}
