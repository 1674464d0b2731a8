#include "engine/formats/format.h"

#include <string_view>
#include <utility>

#include "engine/base/file.h"
#include "engine/base/limits.h"
#include "engine/base/status.h"
#include "engine/formats/onnx/onnx_reader.h"

namespace beak {
namespace {

// What other formats begin with: a user who hands one in is told so, rather than that an ONNX file is corrupt.
struct Signature {
  size_t offset;
  std::string_view bytes;
  const char* format;
};

constexpr Signature kForeign[] = {
    {0, "PK\x03\x04", "a zip archive (PyTorch, Keras)"},
    {0, "\x89HDF\r\n\x1a\n", "HDF5 (Keras)"},
    {4, "TFL3", "TensorFlow Lite"},
    {0, "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20", "a legacy PyTorch file"},
};

absl::Status CheckNotForeign(std::string_view bytes) {
  for (const Signature& signature : kForeign) {
    if (bytes.size() < signature.offset) continue;
    if (bytes.substr(signature.offset, signature.bytes.size()) != signature.bytes) continue;
    return absl::UnimplementedError(absl::StrCat("format: expected ONNX, got ", signature.format));
  }
  return absl::OkStatus();
}

std::string FolderOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

absl::StatusOr<Graph> ReadBytes(std::string bytes, const std::string& folder) {
  RETURN_IF_ERROR(CheckNotForeign(bytes));
  return ReadOnnx(std::move(bytes), folder);
}

}  // namespace

absl::StatusOr<Graph> ReadModelFile(const std::string& path) {
  ASSIGN_OR_RETURN(std::string bytes, ReadFile(path, limits::kMaxModelFileBytes));
  absl::StatusOr<Graph> graph = ReadBytes(std::move(bytes), FolderOf(path));
  if (!graph.ok()) return Annotate(graph.status(), absl::StrCat("'", path, "'"));
  return graph;
}

}  // namespace beak
