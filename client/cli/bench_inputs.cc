#include "client/cli/bench_inputs.h"

#include <algorithm>
#include <cstring>
#include <random>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "engine/base/limits.h"
#include "engine/base/status.h"
#include "proto/wire/tensor_codec.h"

namespace beak::cli {
namespace {

using client::TensorMetadata;
using client::TensorValue;
using wire::Datatype;

// The bytes of one element that is neither tiny nor large, from 64 random bits.
template <typename T>
void Write(T value, char* out) {
  std::memcpy(out, &value, sizeof(value));
}
void WriteRandom(Datatype datatype, uint64_t bits, char* out) {
  switch (datatype) {
    case Datatype::kFp32:
      return Write(static_cast<float>(bits >> 40) * 0x1p-24f, out);
    case Datatype::kFp64:
      return Write(static_cast<double>(bits >> 11) * 0x1p-53, out);
    case Datatype::kFp16:  // 0.5 to 1: that exponent, any fraction
      return Write(static_cast<uint16_t>(0x3800 | (bits & 0x3ff)), out);
    case Datatype::kBf16:
      return Write(static_cast<uint16_t>(0x3f00 | (bits & 0x7f)), out);
    default:  // whole numbers and bools: little-endian, so the first byte
      out[0] = static_cast<char>(bits & 1);
  }
}

absl::StatusOr<std::vector<int64_t>> ShapeOf(const TensorMetadata& input, bool batched, const InputPlan& plan) {
  const auto wanted = plan.shapes.find(input.name);
  if (wanted != plan.shapes.end()) return wanted->second;
  std::vector<int64_t> shape = input.shape;
  if (batched && !shape.empty() && shape[0] < 0) shape[0] = plan.rows;
  if (std::all_of(shape.begin(), shape.end(), [](int64_t dim) { return dim >= 0; })) return shape;
  return absl::InvalidArgumentError(absl::StrCat("input '", input.name, "': expected --shape=", input.name,
                                                 "=..., for the model leaves dimensions free: [",
                                                 absl::StrJoin(input.shape, ", "), "]"));
}

absl::StatusOr<TensorValue> MakeInput(const TensorMetadata& input, bool batched, const InputPlan& plan) {
  ASSIGN_OR_RETURN(const Datatype datatype, wire::ParseDatatype(input.datatype));
  if (datatype == Datatype::kBytes) {
    return absl::InvalidArgumentError(absl::StrCat("input '", input.name, "': expected numbers, got strings"));
  }
  ASSIGN_OR_RETURN(std::vector<int64_t> shape, ShapeOf(input, batched, plan));
  ASSIGN_OR_RETURN(const int64_t elements, wire::ElementCount(shape));
  const size_t size = wire::Describe(datatype).byte_size;
  if (elements > limits::kMaxTensorBytes / static_cast<int64_t>(size)) {
    return absl::InvalidArgumentError(
        absl::StrCat("input '", input.name, "': expected at most ", limits::kMaxTensorBytes, " bytes"));
  }
  std::string bytes(static_cast<size_t>(elements) * size, '\0');
  std::mt19937_64 random;  // NOLINT: the same numbers each time
  for (size_t at = 0; !plan.zeros && at < bytes.size(); at += size) WriteRandom(datatype, random(), &bytes[at]);
  return TensorValue::FromBytes(input.name, datatype, std::move(shape), std::move(bytes));
}

}  // namespace

std::optional<std::pair<std::string, std::vector<int64_t>>> ParseShape(const std::string& text) {
  const size_t sign = text.rfind('=');
  if (sign == std::string::npos || sign == 0) return std::nullopt;
  std::vector<int64_t> shape;
  for (const std::string& part : std::vector<std::string>(absl::StrSplit(text.substr(sign + 1), 'x'))) {
    if (!absl::SimpleAtoi(part, &shape.emplace_back()) || shape.back() < 0) return std::nullopt;
  }
  return std::pair(text.substr(0, sign), std::move(shape));
}

absl::StatusOr<std::vector<TensorValue>> MakeInputs(const client::ModelMetadata& model, bool batched,
                                                    const InputPlan& plan, std::vector<TensorValue> given) {
  for (const auto& [name, shape] : plan.shapes) {
    const auto same = [&name = name](const TensorMetadata& input) { return input.name == name; };
    if (std::none_of(model.inputs.begin(), model.inputs.end(), same)) {
      return absl::InvalidArgumentError(absl::StrCat("--shape: the model has no input '", name, "'"));
    }
  }
  for (const TensorMetadata& input : model.inputs) {
    const auto same = [&input](const TensorValue& value) { return value.name() == input.name; };
    if (std::any_of(given.begin(), given.end(), same)) continue;
    ASSIGN_OR_RETURN(given.emplace_back(), MakeInput(input, batched, plan));
  }
  return given;
}

}  // namespace beak::cli
