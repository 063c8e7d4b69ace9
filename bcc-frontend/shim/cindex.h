// What the parts of our libclang share. libclang itself exists as a shared library only, with a second
// copy of clang in it; the functions of its C API that the crate uses are here, over clang's C++ API.
// `clang-c/Index.h` says what each does.
#ifndef BCC_CINDEX_H
#define BCC_CINDEX_H

#include <clang-c/Index.h>
#include <clang/AST/ASTContext.h>
#include <clang/AST/Attr.h>
#include <clang/AST/Decl.h>
#include <clang/AST/Expr.h>
#include <clang/AST/PrettyPrinter.h>
#include <clang/Basic/SourceManager.h>
#include <clang/Frontend/ASTUnit.h>

#include <string>

namespace bcc {

// A cursor's node is in data[0] and its unit in data[2]; which class the node has follows from its kind.
inline clang::ASTUnit &unit_of(const CXCursor &cursor) {
  return *static_cast<clang::ASTUnit *>(const_cast<void *>(cursor.data[2]));
}

inline CXCursor cursor_of(CXCursorKind kind, const void *node, const clang::ASTUnit &unit) {
  return CXCursor{kind, 0, {node, nullptr, &unit}};
}

// Of a missing declaration too.
CXCursor cursor_of(const clang::Decl *decl, const clang::ASTUnit &unit);
CXCursor cursor_of(const clang::Stmt *statement, const clang::ASTUnit &unit);
CXCursor cursor_of(const clang::Attr *attribute, const clang::ASTUnit &unit);

// Null when the cursor is no such node.
const clang::Decl *decl_of(const CXCursor &cursor);
const clang::Stmt *statement_of(const CXCursor &cursor);
const clang::Expr *expression_of(const CXCursor &cursor);
const clang::Attr *attribute_of(const CXCursor &cursor);

template <typename T>
const T *decl_as(const CXCursor &cursor) {
  return llvm::dyn_cast_or_null<T>(decl_of(cursor));
}

CXType type_of(clang::QualType type, const clang::ASTUnit &unit);

inline clang::QualType type_of(const CXType &type) {
  return clang::QualType::getFromOpaquePtr(type.data[0]);
}

inline clang::ASTUnit &unit_of(const CXType &type) {
  return *static_cast<clang::ASTUnit *>(type.data[1]);
}

CXSourceLocation location_of(clang::SourceLocation place, const clang::SourceManager &sources);

// A copy that `clang_disposeString` frees.
CXString string_of(llvm::StringRef text);

}  // namespace bcc

#endif
