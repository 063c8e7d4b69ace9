// Types. See cindex.h.
#include "cindex.h"

#include <clang/AST/RecordLayout.h>

using clang::QualType;

namespace {

CXTypeKind builtin_kind(const clang::BuiltinType &type) {
  switch (type.getKind()) {
    case clang::BuiltinType::Void:
      return CXType_Void;
    case clang::BuiltinType::Bool:
      return CXType_Bool;
    case clang::BuiltinType::Int128:
      return CXType_Int128;
    case clang::BuiltinType::UInt128:
      return CXType_UInt128;
    case clang::BuiltinType::Int:
      return CXType_Int;
    case clang::BuiltinType::UInt:
      return CXType_UInt;
    case clang::BuiltinType::Long:
      return CXType_Long;
    case clang::BuiltinType::ULong:
      return CXType_ULong;
    case clang::BuiltinType::LongLong:
      return CXType_LongLong;
    case clang::BuiltinType::ULongLong:
      return CXType_ULongLong;
    default:
      return CXType_Unexposed;
  }
}

CXTypeKind kind_of(QualType type) {
  if (type.isNull()) return CXType_Invalid;
  switch (type->getTypeClass()) {
    case clang::Type::Builtin:
      return builtin_kind(*llvm::cast<clang::BuiltinType>(type.getTypePtr()));
    case clang::Type::Pointer:
      return CXType_Pointer;
    case clang::Type::BlockPointer:
      return CXType_BlockPointer;
    case clang::Type::Record:
      return CXType_Record;
    case clang::Type::Enum:
      return CXType_Enum;
    case clang::Type::Typedef:
      return CXType_Typedef;
    case clang::Type::Elaborated:
      return CXType_Elaborated;
    case clang::Type::FunctionNoProto:
      return CXType_FunctionNoProto;
    case clang::Type::FunctionProto:
      return CXType_FunctionProto;
    case clang::Type::ConstantArray:
      return CXType_ConstantArray;
    case clang::Type::IncompleteArray:
      return CXType_IncompleteArray;
    case clang::Type::VariableArray:
      return CXType_VariableArray;
    default:
      return CXType_Unexposed;
  }
}

// Why a type has no size or alignment, or 0.
long long without_layout(QualType type) {
  if (type.isNull() || type->isPlaceholderType()) return CXTypeLayoutError_Invalid;
  if (type->isIncompleteType()) return CXTypeLayoutError_Incomplete;
  if (type->isDependentType()) return CXTypeLayoutError_Dependent;
  return 0;
}

}  // namespace

CXType bcc::type_of(QualType type, const clang::ASTUnit &unit) {
  // What attributes, parentheses and parameters' arrays stand for.
  if (!type.isNull()) {
    if (auto *attributed = type->getAs<clang::AttributedType>())
      return type_of(attributed->getEquivalentType(), unit);
    if (auto *inner = type->getAs<clang::ParenType>()) return type_of(inner->getInnerType(), unit);
    if (auto *decayed = type->getAs<clang::DecayedType>())
      return type_of(decayed->getOriginalType(), unit);
  }
  return CXType{kind_of(type), {type.getAsOpaquePtr(), const_cast<clang::ASTUnit *>(&unit)}};
}

CXString clang_getTypeSpelling(CXType type) {
  if (type.kind == CXType_Invalid) return bcc::string_of("");
  clang::PrintingPolicy policy(bcc::unit_of(type).getASTContext().getLangOpts());
  return bcc::string_of(bcc::type_of(type).getAsString(policy));
}

CXType clang_getCanonicalType(CXType type) {
  if (type.kind == CXType_Invalid) return type;
  clang::ASTUnit &unit = bcc::unit_of(type);
  return bcc::type_of(unit.getASTContext().getCanonicalType(bcc::type_of(type)), unit);
}

CXType clang_getUnqualifiedType(CXType type) {
  return bcc::type_of(bcc::type_of(type).getUnqualifiedType(), bcc::unit_of(type));
}

CXType clang_getPointeeType(CXType type) {
  QualType pointer = bcc::type_of(type);
  QualType pointee = pointer.isNull() ? QualType() : pointer->getPointeeType();
  return bcc::type_of(pointee, bcc::unit_of(type));
}

CXType clang_getArrayElementType(CXType type) {
  QualType array = bcc::type_of(type);
  const clang::ArrayType *found = array.isNull() ? nullptr : array->getAsArrayTypeUnsafe();
  return bcc::type_of(found ? found->getElementType() : QualType(), bcc::unit_of(type));
}

long long clang_getArraySize(CXType type) {
  QualType array = bcc::type_of(type);
  if (array.isNull()) return -1;
  auto *found = llvm::dyn_cast_or_null<clang::ConstantArrayType>(array->getAsArrayTypeUnsafe());
  return found ? found->getSExtSize() : -1;
}

long long clang_Type_getSizeOf(CXType type) {
  QualType sized = bcc::type_of(type);
  if (long long why = without_layout(sized)) return why;
  if (!sized->isConstantSizeType()) return CXTypeLayoutError_NotConstantSize;
  if (sized->isFunctionType()) return 1;
  return bcc::unit_of(type).getASTContext().getTypeSizeInChars(sized).getQuantity();
}

long long clang_Type_getAlignOf(CXType type) {
  QualType aligned = bcc::type_of(type);
  bool is_array = !aligned.isNull() && aligned->isIncompleteArrayType();
  if (long long why = is_array ? 0 : without_layout(aligned)) return why;
  if (aligned->isFunctionType()) return 4;
  return bcc::unit_of(type).getASTContext().getTypeAlignInChars(aligned).getQuantity();
}

CXCursor clang_getTypeDeclaration(CXType type) {
  QualType declared = bcc::type_of(type);
  const clang::Decl *decl = nullptr;
  if (!declared.isNull()) {
    if (auto *alias = declared->getAs<clang::TypedefType>())
      decl = alias->getDecl();
    else if (auto *tag = declared->getAs<clang::TagType>())
      decl = tag->getDecl();
  }
  clang::ASTUnit &unit = bcc::unit_of(type);
  return decl ? bcc::cursor_of(decl, unit) : bcc::cursor_of(CXCursor_NoDeclFound, nullptr, unit);
}

unsigned clang_Type_visitFields(CXType type, CXFieldVisitor visitor, CXClientData data) {
  QualType record = bcc::type_of(type);
  auto *found = record.isNull() ? nullptr : record->getAs<clang::RecordType>();
  if (!found) return 1;
  for (const clang::FieldDecl *field : found->getDecl()->fields())
    if (visitor(bcc::cursor_of(field, bcc::unit_of(type)), data) == CXVisit_Break) return 1;
  return 0;
}

long long clang_Cursor_getOffsetOfField(CXCursor cursor) {
  auto *field = bcc::decl_as<clang::FieldDecl>(cursor);
  if (!field || field->isInvalidDecl()) return CXTypeLayoutError_InvalidFieldName;
  const clang::RecordDecl *record = field->getParent();
  if (record->isInvalidDecl()) return CXTypeLayoutError_Undeduced;
  clang::ASTContext &context = bcc::unit_of(cursor).getASTContext();
  if (long long why = without_layout(context.getRecordType(record))) return why;
  return static_cast<long long>(context.getFieldOffset(field));
}

CXType clang_getCursorType(CXCursor cursor) {
  clang::ASTUnit &unit = bcc::unit_of(cursor);
  if (const clang::Expr *expression = bcc::expression_of(cursor))
    return bcc::type_of(expression->getType(), unit);
  if (auto *type = bcc::decl_as<clang::TypeDecl>(cursor))
    return bcc::type_of(unit.getASTContext().getTypeDeclType(type), unit);
  if (auto *value = bcc::decl_as<clang::ValueDecl>(cursor))
    return bcc::type_of(value->getType(), unit);
  return bcc::type_of(QualType(), unit);
}

CXType clang_getEnumDeclIntegerType(CXCursor cursor) {
  auto *decl = bcc::decl_as<clang::EnumDecl>(cursor);
  return bcc::type_of(decl ? decl->getIntegerType() : QualType(), bcc::unit_of(cursor));
}
