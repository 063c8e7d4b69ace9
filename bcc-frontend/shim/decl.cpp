// What declarations say beside their names and types. See cindex.h.
#include "cindex.h"

#include <llvm/Support/raw_ostream.h>

unsigned clang_isCursorDefinition(CXCursor cursor) {
  if (auto *function = bcc::decl_as<clang::FunctionDecl>(cursor))
    return function->isThisDeclarationADefinition();
  if (auto *variable = bcc::decl_as<clang::VarDecl>(cursor))
    return variable->isThisDeclarationADefinition() == clang::VarDecl::Definition;
  if (auto *tag = bcc::decl_as<clang::TagDecl>(cursor)) return tag->isThisDeclarationADefinition();
  return bcc::decl_of(cursor) != nullptr;
}

CXLinkageKind clang_getCursorLinkage(CXCursor cursor) {
  auto *named = bcc::decl_as<clang::NamedDecl>(cursor);
  if (!named) return CXLinkage_Invalid;
  switch (named->getLinkageInternal()) {
    case clang::Linkage::Internal:
      return CXLinkage_Internal;
    case clang::Linkage::UniqueExternal:
      return CXLinkage_UniqueExternal;
    case clang::Linkage::Module:
    case clang::Linkage::External:
      return CXLinkage_External;
    default:
      return CXLinkage_NoLinkage;
  }
}

unsigned clang_Cursor_isFunctionInlined(CXCursor cursor) {
  auto *function = bcc::decl_as<clang::FunctionDecl>(cursor);
  return function && function->isInlined();
}

CX_StorageClass clang_Cursor_getStorageClass(CXCursor cursor) {
  clang::StorageClass written = clang::SC_None;
  if (auto *function = bcc::decl_as<clang::FunctionDecl>(cursor))
    written = function->getStorageClass();
  else if (auto *variable = bcc::decl_as<clang::VarDecl>(cursor))
    written = variable->getStorageClass();
  else
    return CX_SC_Invalid;
  switch (written) {
    case clang::SC_None:
      return CX_SC_None;
    case clang::SC_Extern:
      return CX_SC_Extern;
    case clang::SC_Static:
      return CX_SC_Static;
    case clang::SC_PrivateExtern:
      return CX_SC_PrivateExtern;
    case clang::SC_Auto:
      return CX_SC_Auto;
    case clang::SC_Register:
      return CX_SC_Register;
  }
  return CX_SC_Invalid;
}

unsigned clang_Cursor_isAnonymous(CXCursor cursor) {
  auto *tag = bcc::decl_as<clang::TagDecl>(cursor);
  return tag && !tag->getTypedefNameForAnonDecl() && !tag->getIdentifier();
}

unsigned clang_Cursor_isAnonymousRecordDecl(CXCursor cursor) {
  auto *record = bcc::decl_as<clang::RecordDecl>(cursor);
  return record && record->isAnonymousStructOrUnion();
}

int clang_getFieldDeclBitWidth(CXCursor cursor) {
  auto *field = bcc::decl_as<clang::FieldDecl>(cursor);
  if (!field || !field->isBitField() || field->getBitWidth()->isValueDependent()) return -1;
  return static_cast<int>(field->getBitWidthValue(bcc::unit_of(cursor).getASTContext()));
}

CXPrintingPolicy clang_getCursorPrintingPolicy(CXCursor cursor) {
  return new clang::PrintingPolicy(bcc::unit_of(cursor).getASTContext().getPrintingPolicy());
}

// Of all properties, the one that is used.
void clang_PrintingPolicy_setProperty(CXPrintingPolicy policy, CXPrintingPolicyProperty property,
                                      unsigned value) {
  if (property == CXPrintingPolicy_TerseOutput)
    static_cast<clang::PrintingPolicy *>(policy)->TerseOutput = value != 0;
}

void clang_PrintingPolicy_dispose(CXPrintingPolicy policy) {
  delete static_cast<clang::PrintingPolicy *>(policy);
}

CXString clang_getCursorPrettyPrinted(CXCursor cursor, CXPrintingPolicy policy) {
  std::string text;
  llvm::raw_string_ostream out(text);
  if (const clang::Decl *decl = bcc::decl_of(cursor))
    decl->print(out, *static_cast<clang::PrintingPolicy *>(policy));
  return bcc::string_of(text);
}
