#include "engine/data/digest.h"

#include <map>

#include "engine/base/status.h"

namespace beak::data {
namespace {

void Add(uint64_t value, Sha256& sha) {
  uint8_t bytes[8];
  for (int i = 0; i < 8; ++i) bytes[i] = static_cast<uint8_t>(value >> (8 * i));
  sha.Update(bytes, sizeof(bytes));
}

void Add(const std::string& text, Sha256& sha) {
  Add(text.size(), sha);
  sha.Update(text.data(), text.size());
}

// Type and shape too, or a row and a column of the same numbers would be one.
void Add(const Tensor& tensor, Sha256& sha) {
  Add(std::string(NameOf(tensor.dtype())), sha);
  Add(tensor.shape().size(), sha);
  for (const int64_t dim : tensor.shape()) Add(static_cast<uint64_t>(dim), sha);
  sha.Update(tensor.bytes(), tensor.byte_size());
}

void Add(const Schema& schema, Sha256& sha) {
  for (const Field& field : schema.fields) {
    Add(field.name, sha);
    Add(static_cast<uint64_t>(field.num_classes), sha);
    Add(field.class_names.size(), sha);
    for (const std::string& name : field.class_names) Add(name, sha);
  }
}

}  // namespace

absl::StatusOr<DataDigest> DigestOf(const Source& source, const std::vector<std::string>& fields,
                                    const std::function<void(int64_t done, int64_t total)>& progress) {
  constexpr int64_t kBetweenReports = 100;
  std::vector<size_t> numbers;
  for (const std::string& name : fields) {
    ASSIGN_OR_RETURN(numbers.emplace_back(), FindField(source.schema(), name));
  }
  DataDigest digest;
  digest.samples.reserve(static_cast<size_t>(source.size()));
  Sha256 whole;
  Add(source.schema(), whole);
  const int64_t total = source.size();
  for (int64_t i = 0; i < total; ++i) {
    absl::StatusOr<Sample> read = source.Read(i);
    if (!read.ok()) return Annotate(read.status(), absl::StrCat("sample ", i));
    const Sample& sample = *read;
    for (const Tensor& tensor : sample) Add(tensor, whole);
    Sha256 own;
    for (const size_t number : numbers) Add(sample[number], own);
    digest.samples.push_back(own.Finish());
    if (progress && ((i + 1) % kBetweenReports == 0 || i + 1 == total)) progress(i + 1, total);
  }
  digest.whole = whole.Finish();
  return digest;
}

std::vector<std::pair<int64_t, int64_t>> FindOverlap(const DataDigest& a, const DataDigest& b) {
  std::map<Sha256::Digest, int64_t> known;
  for (size_t i = 0; i < a.samples.size(); ++i) known.emplace(a.samples[i], static_cast<int64_t>(i));
  std::vector<std::pair<int64_t, int64_t>> overlap;
  for (size_t i = 0; i < b.samples.size(); ++i) {
    const auto found = known.find(b.samples[i]);
    if (found != known.end()) overlap.emplace_back(found->second, static_cast<int64_t>(i));
  }
  return overlap;
}

}  // namespace beak::data
