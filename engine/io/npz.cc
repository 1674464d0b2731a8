#include "engine/io/npz.h"

#include <memory>

#include "absl/strings/match.h"
#include "engine/base/status.h"
#include "engine/io/npy.h"
#include "engine/io/zip.h"

namespace beak {

absl::StatusOr<std::vector<NamedArray>> ParseNpz(std::string_view bytes, int64_t max_bytes) {
  constexpr size_t kSuffix = 4;  // ".npy"
  const absl::StatusOr<std::unique_ptr<ZipReader>> zip = ZipReader::Create(bytes);
  if (!zip.ok()) return Annotate(zip.status(), "npz");
  std::vector<NamedArray> arrays;
  const std::vector<ZipReader::Entry>& entries = (*zip)->entries();
  for (size_t i = 0; i < entries.size(); ++i) {
    const std::string& name = entries[i].name;
    if (!absl::EndsWith(name, ".npy")) {
      return absl::InvalidArgumentError(absl::StrCat("npz: expected files that end in .npy, got '", name, "'"));
    }
    const absl::StatusOr<std::string> file = (*zip)->Read(i, max_bytes);
    if (!file.ok()) return Annotate(file.status(), "npz");
    max_bytes -= static_cast<int64_t>(file->size());
    absl::StatusOr<Tensor> tensor = ParseNpy(*file);
    if (!tensor.ok()) return Annotate(tensor.status(), absl::StrCat("npz: '", name, "'"));
    arrays.push_back({name.substr(0, name.size() - kSuffix), *std::move(tensor)});
  }
  return arrays;
}

}  // namespace beak
