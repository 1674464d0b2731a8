#include "engine/data/array_files.h"

#include <map>
#include <string_view>
#include <utility>

#include "absl/strings/str_join.h"
#include "engine/base/limits.h"
#include "engine/base/status.h"
#include "engine/data/array_source.h"
#include "engine/io/decompress.h"
#include "engine/io/idx.h"
#include "engine/io/npy.h"
#include "engine/io/npz.h"

namespace beak::data {
namespace {

// All arrays of a file; the one of an IDX or .npy file has no name.
absl::StatusOr<std::vector<NamedArray>> ParseArrays(std::string_view bytes) {
  if (bytes.substr(0, 2) == "PK") return ParseNpz(bytes, limits::kMaxDataFileBytes);
  NamedArray array;
  if (bytes.substr(0, 6) == "\x93NUMPY") {
    ASSIGN_OR_RETURN(array.tensor, ParseNpy(bytes));
  } else if (bytes.substr(0, 2) == std::string_view("\0\0", 2)) {
    ASSIGN_OR_RETURN(array.tensor, ParseIdx(bytes));
  } else {
    return absl::InvalidArgumentError("expected an IDX, .npy or .npz file, got something else");
  }
  return std::vector<NamedArray>{std::move(array)};
}

absl::StatusOr<Tensor> FindArray(const std::vector<NamedArray>& arrays, const std::string& name) {
  for (const NamedArray& array : arrays) {
    if (array.name == name) return array.tensor;
  }
  const auto format = [](std::string* out, const NamedArray& array) { absl::StrAppend(out, "'", array.name, "'"); };
  return absl::InvalidArgumentError(
      absl::StrCat("expected an array '", name, "', got ", absl::StrJoin(arrays, ", ", format)));
}

// Reads files once, however many of their arrays are asked for.
class ArrayReader {
 public:
  absl::StatusOr<Tensor> Read(const ArrayFile& file) {
    ASSIGN_OR_RETURN(const std::vector<NamedArray>* const arrays, Open(file.path));
    absl::StatusOr<Tensor> tensor = FindArray(*arrays, file.array);
    if (!tensor.ok()) return Annotate(tensor.status(), absl::StrCat("'", file.path, "'"));
    if (!file.classes) return tensor;
    if (tensor->rank() != 1 || !IsInteger(tensor->dtype())) {
      return absl::InvalidArgumentError(absl::StrCat("'", file.path, "': expected one integer a sample, got ",
                                                     NameOf(tensor->dtype()), " ", ToString(tensor->shape())));
    }
    return CastTo(*tensor, DType::kInt64);
  }

 private:
  absl::StatusOr<const std::vector<NamedArray>*> Open(const std::string& path) {
    const auto found = files_.find(path);
    if (found != files_.end()) return &found->second;
    ASSIGN_OR_RETURN(const std::string bytes, ReadDataFile(path, limits::kMaxDataFileBytes));
    absl::StatusOr<std::vector<NamedArray>> arrays = ParseArrays(bytes);
    if (!arrays.ok()) return Annotate(arrays.status(), absl::StrCat("'", path, "'"));
    return &files_.emplace(path, *std::move(arrays)).first->second;
  }

  std::map<std::string, std::vector<NamedArray>> files_;
};

}  // namespace

absl::StatusOr<SourcePtr> OpenArrayFiles(const std::vector<ArrayFile>& files, OnBadSample on_bad) {
  ArrayReader reader;
  std::vector<Column> columns;
  for (const ArrayFile& file : files) {
    ASSIGN_OR_RETURN(Tensor values, reader.Read(file));
    columns.push_back({file.field, std::move(values)});
  }
  const auto paths = [](std::string* out, const ArrayFile& file) { absl::StrAppend(out, "'", file.path, "'"); };
  absl::StatusOr<SourcePtr> source = MakeArraySource(std::move(columns));
  for (const ArrayFile& file : files) {
    if (source.ok() && file.classes) source = WithClasses(*source, file.field, *file.classes, on_bad);
  }
  if (!source.ok()) return Annotate(source.status(), absl::StrJoin(files, ", ", paths));
  return source;
}

}  // namespace beak::data
