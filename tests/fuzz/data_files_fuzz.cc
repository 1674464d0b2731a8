// Any bytes as each kind of file that holds a whole data set: an error, or what is no larger than the bytes account
// for.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/check.h"
#include "engine/io/cifar.h"
#include "engine/io/csv.h"
#include "engine/io/idx.h"
#include "engine/io/npz.h"

namespace {

void ReadTable(std::string_view text) {
  beak::CsvReader reader(text);
  std::vector<std::string> row;
  size_t values = 0;
  int64_t line = 0;
  while (true) {
    const absl::StatusOr<bool> more = reader.Next(row);
    if (!more.ok() || !*more) break;
    values += row.size();
    BEAK_CHECK(!row.empty() && reader.line() > line);
    line = reader.line();
  }
  BEAK_CHECK(values <= text.size() + 1);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  ReadTable(bytes);
  const absl::StatusOr<beak::Tensor> idx = beak::ParseIdx(bytes);
  BEAK_CHECK(!idx.ok() || idx->byte_size() < size);
  const absl::StatusOr<beak::LabelledImages> cifar = beak::ParseCifar10(bytes);
  BEAK_CHECK(!cifar.ok() || cifar->images.byte_size() < size);
  constexpr int64_t kMax = 1 << 20;
  const absl::StatusOr<std::vector<beak::NamedArray>> npz = beak::ParseNpz(bytes, kMax);
  if (!npz.ok()) return 0;
  size_t total = 0;
  for (const beak::NamedArray& array : *npz) total += array.tensor.byte_size();
  BEAK_CHECK(total <= kMax);
  return 0;
}
