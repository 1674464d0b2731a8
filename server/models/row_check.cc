#include "server/models/row_check.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <random>
#include <span>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "engine/tensor/dtype.h"

namespace beak {
namespace {

using Bytes = std::vector<std::byte>;
using Row = std::vector<Bytes>;  // one entry an input or output

template <typename T, typename Next>
void Fill(Bytes& bytes, Next next) {
  for (size_t i = 0; i + sizeof(T) <= bytes.size(); i += sizeof(T)) {
    const T value = next();
    std::memcpy(bytes.data() + i, &value, sizeof(value));
  }
}

// Floats are filled at random, and so are bytes, which mostly are pictures. Other whole numbers are often indices: 0 is
// a good one whatever it points into, and shows a network that looks at the first row of a batch.
void FillRow(DType dtype, std::mt19937& random, Bytes& bytes) {
  std::fill(bytes.begin(), bytes.end(), std::byte{0});
  std::normal_distribution<float> normal;
  std::uniform_int_distribution<int> byte(0, 255);
  if (SizeOf(dtype) == 1 && IsInteger(dtype)) Fill<uint8_t>(bytes, [&] { return static_cast<uint8_t>(byte(random)); });
  if (dtype == DType::kFloat16) Fill<uint16_t>(bytes, [&] { return FloatToHalf(normal(random)); });
  if (dtype == DType::kFloat32) Fill<float>(bytes, [&] { return normal(random); });
  if (dtype == DType::kFloat64) Fill<double>(bytes, [&] { return double{normal(random)}; });
}

// The outputs of these rows, one Row each; nullopt where the network refuses the data.
absl::StatusOr<std::optional<std::vector<Row>>> RunRows(ProgramSet& programs, const std::vector<const Row*>& rows) {
  ASSIGN_OR_RETURN(WorkspaceLease lease, programs.Acquire(static_cast<int64_t>(rows.size()), 1));
  for (size_t r = 0; r < rows.size(); ++r) {
    for (size_t i = 0; i < rows[r]->size(); ++i) {
      const Bytes& bytes = (*rows[r])[i];
      std::copy(bytes.begin(), bytes.end(), lease.input(static_cast<int>(i)).begin() + r * bytes.size());
    }
  }
  if (!lease.Run(nullptr).ok()) return std::nullopt;
  std::vector<Row> outputs(rows.size());
  for (int o = 0; o < lease.num_outputs(); ++o) {
    const std::span<const std::byte> all = lease.output(o);
    const size_t size = all.size() / rows.size();
    for (size_t r = 0; r < rows.size(); ++r) {
      const std::span<const std::byte> row = all.subspan(r * size, size);
      outputs[r].emplace_back(row.begin(), row.end());
    }
  }
  return outputs;
}

}  // namespace

absl::Status CheckRowsIndependent(ProgramSet& programs) {
  std::mt19937 random(1);
  Row a;
  Row b;
  {
    ASSIGN_OR_RETURN(WorkspaceLease lease, programs.Acquire(1, 1));
    for (int i = 0; i < lease.num_inputs(); ++i) {
      for (Row* row : {&a, &b}) {
        row->emplace_back(lease.input(i).size());
        FillRow(lease.input_dtype(i), random, row->back());
      }
    }
  }
  ASSIGN_OR_RETURN(const auto alone_a, RunRows(programs, {&a}));
  ASSIGN_OR_RETURN(const auto alone_b, RunRows(programs, {&b}));
  ASSIGN_OR_RETURN(const auto together, RunRows(programs, {&a, &b}));
  ASSIGN_OR_RETURN(const auto swapped, RunRows(programs, {&b, &a}));
  if (!alone_a || !alone_b) return absl::OkStatus();
  const auto are = [](const std::optional<std::vector<Row>>& rows, const Row& first, const Row& second) {
    return rows && (*rows)[0] == first && (*rows)[1] == second;
  };
  const Row& answer_a = alone_a->front();
  const Row& answer_b = alone_b->front();
  if (are(together, answer_a, answer_b) && are(swapped, answer_b, answer_a)) return absl::OkStatus();
  return absl::FailedPreconditionError(
      "expected the answer for a row to be the same alone and in a batch, got other bits: the network mixes rows; "
      "max_batch_size: 0 in the configuration serves it unbatched");
}

}  // namespace beak
