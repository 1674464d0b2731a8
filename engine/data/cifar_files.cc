#include "engine/data/cifar_files.h"

#include <cstring>
#include <utility>

#include "engine/base/limits.h"
#include "engine/base/status.h"
#include "engine/data/array_source.h"
#include "engine/data/classes.h"
#include "engine/io/cifar.h"
#include "engine/io/decompress.h"

namespace beak::data {
namespace {

// Appends along the first dimension.
absl::StatusOr<Tensor> Concatenate(const std::vector<Tensor>& parts) {
  Shape shape = parts[0].shape();
  shape[0] = 0;
  for (const Tensor& part : parts) shape[0] += part.shape()[0];
  ASSIGN_OR_RETURN(Tensor whole, Tensor::Create(parts[0].dtype(), shape));
  std::byte* out = whole.mutable_bytes();
  for (const Tensor& part : parts) {
    std::memcpy(out, part.bytes(), part.byte_size());
    out += part.byte_size();
  }
  return whole;
}

}  // namespace

absl::StatusOr<SourcePtr> OpenCifar10(const std::vector<std::string>& paths) {
  if (paths.empty()) return absl::InvalidArgumentError("cifar-10: expected at least one file, got none");
  std::vector<Tensor> images;
  std::vector<Tensor> labels;
  for (const std::string& path : paths) {
    ASSIGN_OR_RETURN(const std::string bytes, ReadDataFile(path, limits::kMaxDataFileBytes));
    absl::StatusOr<LabelledImages> read = ParseCifar10(bytes);
    if (!read.ok()) return Annotate(read.status(), absl::StrCat("'", path, "'"));
    images.push_back(std::move(read->images));
    labels.push_back(std::move(read->labels));
  }
  std::vector<Column> columns(2);
  columns[0].name = "image";
  ASSIGN_OR_RETURN(columns[0].values, Concatenate(images));
  columns[1].name = "label";
  ASSIGN_OR_RETURN(columns[1].values, Concatenate(labels));
  ASSIGN_OR_RETURN(SourcePtr source, MakeArraySource(std::move(columns)));
  const Classes classes = {10,
                           {"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"}};
  return WithClasses(std::move(source), "label", classes, OnBadSample::kFail);
}

}  // namespace beak::data
