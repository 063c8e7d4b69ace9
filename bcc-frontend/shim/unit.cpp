// Parsing: units, their files and messages. See cindex.h.
#include "cindex.h"
#include "input.h"

#include <clang/Basic/FileManager.h>
#include <clang/Basic/Version.h>
#include <clang/Frontend/CompilerInstance.h>
#include <clang/Frontend/DiagnosticRenderer.h>
#include <clang/Serialization/PCHContainerOperations.h>

#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

using clang::ASTUnit;

CXString bcc::string_of(llvm::StringRef text) {
  char *copy = static_cast<char *>(std::malloc(text.size() + 1));
  if (!copy) return CXString{nullptr, 0};
  std::memcpy(copy, text.data(), text.size());
  copy[text.size()] = '\0';
  return CXString{copy, 0};
}

const char *clang_getCString(CXString string) { return static_cast<const char *>(string.data); }

void clang_disposeString(CXString string) { std::free(const_cast<void *>(string.data)); }

CXString clang_getClangVersion() { return bcc::string_of(clang::getClangFullVersion()); }

namespace {

// The only thing that is asked of an index.
struct Index {
  bool skips_precompiled;
};

struct Message {
  clang::DiagnosticsEngine::Level level;
  clang::FullSourceLoc place;
  std::string text;
  std::string option;
};

// A parsed text, and what clang said of it.
struct Unit {
  std::unique_ptr<ASTUnit> ast;
  std::vector<Message> messages;
};

Unit *whole(CXTranslationUnit unit) { return reinterpret_cast<Unit *>(unit); }

ASTUnit &ast_of(CXTranslationUnit unit) { return *whole(unit)->ast; }

const Message &message_of(CXDiagnostic diagnostic) {
  return *static_cast<const Message *>(diagnostic);
}

// Adds the notes that clang prints beside its messages: which macros and which `#include`s led there.
class Renderer : public clang::DiagnosticNoteRenderer {
 public:
  Renderer(const clang::LangOptions &language, clang::DiagnosticOptions *options,
           std::vector<Message> &messages)
      : DiagnosticNoteRenderer(language, options), messages_(messages) {}

  void beginDiagnostic(clang::DiagOrStoredDiag message,
                       clang::DiagnosticsEngine::Level level) override {
    auto *stored = message.dyn_cast<const clang::StoredDiagnostic *>();
    if (!stored) return;
    llvm::StringRef option = clang::DiagnosticIDs::getWarningOptionForDiag(stored->getID());
    messages_.push_back({level, stored->getLocation(), stored->getMessage().str(),
                         option.empty() ? "" : ("-W" + option).str()});
  }

  void emitDiagnosticMessage(clang::FullSourceLoc place, clang::PresumedLoc,
                             clang::DiagnosticsEngine::Level, llvm::StringRef text,
                             llvm::ArrayRef<clang::CharSourceRange>,
                             clang::DiagOrStoredDiag message) override {
    if (message.isNull()) emitNote(place, text);
  }

  void emitNote(clang::FullSourceLoc place, llvm::StringRef text) override {
    messages_.push_back({clang::DiagnosticsEngine::Note, place, text.str(), ""});
  }

  void emitDiagnosticLoc(clang::FullSourceLoc, clang::PresumedLoc, clang::DiagnosticsEngine::Level,
                         llvm::ArrayRef<clang::CharSourceRange>) override {}

  void emitCodeContext(clang::FullSourceLoc, clang::DiagnosticsEngine::Level,
                       llvm::SmallVectorImpl<clang::CharSourceRange> &,
                       llvm::ArrayRef<clang::FixItHint>) override {}

 private:
  std::vector<Message> &messages_;
};

std::vector<Message> messages_of(ASTUnit &ast) {
  std::vector<Message> messages;
  llvm::IntrusiveRefCntPtr<clang::DiagnosticOptions> options(new clang::DiagnosticOptions);
  Renderer renderer(ast.getASTContext().getLangOpts(), options.get(), messages);
  for (auto stored = ast.stored_diag_begin(); stored != ast.stored_diag_end(); ++stored)
    renderer.emitStoredDiagnostic(*stored);
  return messages;
}

std::vector<bcc_bytes> words(const char *const *args, int count) {
  std::vector<bcc_bytes> words;
  for (int i = 0; i < count; i++) words.push_back(bcc::bytes_of(args[i]));
  return words;
}

std::vector<bcc_file> files_of(const CXUnsavedFile *unsaved, unsigned count) {
  std::vector<bcc_file> files;
  for (unsigned i = 0; i < count; i++)
    files.push_back({bcc::bytes_of(unsaved[i].Filename),
                     bcc_bytes{unsaved[i].Contents, unsaved[i].Length}});
  return files;
}

}  // namespace

CXIndex clang_createIndex(int excludeDeclarationsFromPCH, int) {
  return new Index{excludeDeclarationsFromPCH != 0};
}

void clang_disposeIndex(CXIndex index) { delete static_cast<Index *>(index); }

CXErrorCode clang_parseTranslationUnit2(CXIndex index, const char *main, const char *const *args,
                                        int arg_count, CXUnsavedFile *unsaved,
                                        unsigned unsaved_count, unsigned,
                                        CXTranslationUnit *out) {
  std::vector<bcc_bytes> arguments = words(args, arg_count);
  std::vector<bcc_file> files = files_of(unsaved, unsaved_count);
  bcc::FileSystem overlay = bcc::overlay_of(files);
  bcc::Diagnostics diagnostics =
      clang::CompilerInstance::createDiagnostics(new clang::DiagnosticOptions(), nullptr);
  auto invocation = bcc::invocation_of({main, files, arguments}, overlay, diagnostics);
  if (!invocation) return CXError_InvalidArguments;
  llvm::IntrusiveRefCntPtr<clang::FileManager> manager(
      new clang::FileManager(clang::FileSystemOptions(), overlay));
  std::unique_ptr<ASTUnit> unit = ASTUnit::LoadFromCompilerInvocation(
      invocation, std::make_shared<clang::PCHContainerOperations>(), diagnostics, manager.get(),
      static_cast<Index *>(index)->skips_precompiled, clang::CaptureDiagsKind::All);
  if (!unit) return CXError_Failure;
  std::vector<Message> messages = messages_of(*unit);
  *out = reinterpret_cast<CXTranslationUnit>(new Unit{std::move(unit), std::move(messages)});
  return CXError_Success;
}

void clang_disposeTranslationUnit(CXTranslationUnit unit) { delete whole(unit); }

CXCursor clang_getTranslationUnitCursor(CXTranslationUnit unit) {
  ASTUnit &ast = ast_of(unit);
  return bcc::cursor_of(CXCursor_TranslationUnit, ast.getASTContext().getTranslationUnitDecl(), ast);
}

// Notes are in the list, behind what they belong to; so nothing has children.
unsigned clang_getNumDiagnostics(CXTranslationUnit unit) {
  return static_cast<unsigned>(whole(unit)->messages.size());
}

CXDiagnostic clang_getDiagnostic(CXTranslationUnit unit, unsigned index) {
  return &whole(unit)->messages[index];
}

void clang_disposeDiagnostic(CXDiagnostic) {}

CXDiagnosticSeverity clang_getDiagnosticSeverity(CXDiagnostic diagnostic) {
  switch (message_of(diagnostic).level) {
    case clang::DiagnosticsEngine::Ignored:
      return CXDiagnostic_Ignored;
    case clang::DiagnosticsEngine::Note:
    case clang::DiagnosticsEngine::Remark:
      return CXDiagnostic_Note;
    case clang::DiagnosticsEngine::Warning:
      return CXDiagnostic_Warning;
    case clang::DiagnosticsEngine::Error:
      return CXDiagnostic_Error;
    case clang::DiagnosticsEngine::Fatal:
      return CXDiagnostic_Fatal;
  }
  return CXDiagnostic_Error;
}

CXSourceLocation clang_getDiagnosticLocation(CXDiagnostic diagnostic) {
  const clang::FullSourceLoc &place = message_of(diagnostic).place;
  if (place.isInvalid()) return CXSourceLocation{{nullptr, nullptr}, 0};
  return bcc::location_of(place, place.getManager());
}

CXString clang_getDiagnosticSpelling(CXDiagnostic diagnostic) {
  return bcc::string_of(message_of(diagnostic).text);
}

CXString clang_getDiagnosticOption(CXDiagnostic diagnostic, CXString *) {
  return bcc::string_of(message_of(diagnostic).option);
}

CXFile clang_getFile(CXTranslationUnit unit, const char *name) {
  auto file = ast_of(unit).getFileManager().getOptionalFileRef(name);
  if (!file) return nullptr;
  return const_cast<clang::FileEntryRef::MapEntry *>(&file->getMapEntry());
}

namespace {

clang::FileEntryRef file_of(CXFile file) {
  return clang::FileEntryRef(*static_cast<clang::FileEntryRef::MapEntry *>(file));
}

}  // namespace

CXString clang_getFileName(CXFile file) { return bcc::string_of(file_of(file).getName()); }

const char *clang_getFileContents(CXTranslationUnit unit, CXFile file, size_t *size) {
  const clang::SourceManager &sources = ast_of(unit).getSourceManager();
  auto buffer = sources.getBufferOrNone(sources.translateFile(file_of(file)));
  if (!buffer) return nullptr;
  *size = buffer->getBufferSize();
  return buffer->getBufferStart();
}

// Without the files that led to each.
void clang_getInclusions(CXTranslationUnit unit, CXInclusionVisitor visit, CXClientData data) {
  const clang::SourceManager &sources = ast_of(unit).getSourceManager();
  for (unsigned i = 0; i < sources.local_sloc_entry_size(); i++) {
    const clang::SrcMgr::SLocEntry &entry = sources.getLocalSLocEntry(i);
    if (!entry.isFile()) continue;
    if (auto file = entry.getFile().getContentCache().OrigEntry)
      visit(const_cast<clang::FileEntryRef::MapEntry *>(&file->getMapEntry()), nullptr, 0, data);
  }
}
