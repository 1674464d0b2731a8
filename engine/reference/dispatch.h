#pragma once

#include <cstring>
#include <initializer_list>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "engine/base/check.h"
#include "engine/base/status.h"
#include "engine/reference/reference.h"
#include "engine/tensor/dtype.h"

namespace beak {

// Small things that every family needs: operands by number, and the C++ type of an element type.

using ReferenceInputs = std::span<const std::byte* const>;
using ReferenceOutputs = std::span<std::byte* const>;

// Whether an operand is there; a run's pointer does not tell (that of an empty tensor may be null).
inline bool HasInput(const KernelRequest& request, size_t i) {
  return i < request.inputs.size() && request.inputs[i].present;
}
inline bool HasOutput(const KernelRequest& request, size_t i) {
  return i < request.outputs.size() && request.outputs[i].present;
}

// REQUIRES: the operand is there.
template <typename T>
const T* Input(ReferenceInputs inputs, size_t i) {
  return reinterpret_cast<const T*>(inputs[i]);
}
template <typename T>
T* Output(ReferenceOutputs outputs, size_t i = 0) {
  return reinterpret_cast<T*>(outputs[i]);
}

// The elements of an input that is known before the run; nullopt where it is left out, UNIMPLEMENTED where it is not
// known.
inline absl::StatusOr<std::optional<std::vector<int64_t>>> ConstantInts(const KernelRequest& request, size_t i,
                                                                        const char* what) {
  if (!HasInput(request, i)) return std::nullopt;
  if (request.inputs[i].constant == nullptr) {
    return absl::UnimplementedError(absl::StrCat("input '", what, "': expected a constant, got one that is computed"));
  }
  ASSIGN_OR_RETURN(std::vector<int64_t> ints, ToInt64s(*request.inputs[i].constant));
  return ints;
}

// memcpy that takes null pointers where there is nothing to copy.
inline void CopyBytes(void* to, const void* from, size_t bytes) {
  if (bytes != 0) std::memcpy(to, from, bytes);
}

inline absl::Status UnsupportedType(const char* expected, DType got) {
  return absl::UnimplementedError(absl::StrCat("element type: expected ", expected, ", got ", NameOf(got)));
}

// INVALID_ARGUMENT unless the given inputs, where they are there, have the type of input 0.
inline absl::Status CheckSameType(const KernelRequest& request, std::initializer_list<size_t> inputs) {
  for (const size_t i : inputs) {
    if (!HasInput(request, i) || request.inputs[i].dtype == request.inputs[0].dtype) continue;
    return absl::InvalidArgumentError(absl::StrCat("input ", i, ": expected ", NameOf(request.inputs[0].dtype),
                                                   ", got ", NameOf(request.inputs[i].dtype)));
  }
  return absl::OkStatus();
}

// INVALID_ARGUMENT unless input i, where it is there, has this many elements.
inline absl::Status CheckElements(const KernelRequest& request, size_t i, int64_t expected) {
  if (!HasInput(request, i) || NumElements(request.inputs[i].shape) == expected) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("input ", i, ": expected ", expected, " elements, got shape ", ToString(request.inputs[i].shape)));
}

// Calls fn.template operator()<T>(), which gives a ReferenceRun, for float32 and float64.
template <typename Fn>
absl::StatusOr<ReferenceRun> DispatchFloat(DType dtype, Fn&& fn) {
  if (dtype == DType::kFloat32) return ReferenceRun(fn.template operator()<float>());
  if (dtype == DType::kFloat64) return ReferenceRun(fn.template operator()<double>());
  return UnsupportedType("float32 or float64", dtype);
}

// The same for these and all integers.
template <typename Fn>
absl::StatusOr<ReferenceRun> DispatchNumber(DType dtype, Fn&& fn) {
  switch (dtype) {
    case DType::kUint8:
      return ReferenceRun(fn.template operator()<uint8_t>());
    case DType::kInt8:
      return ReferenceRun(fn.template operator()<int8_t>());
    case DType::kUint16:
      return ReferenceRun(fn.template operator()<uint16_t>());
    case DType::kInt16:
      return ReferenceRun(fn.template operator()<int16_t>());
    case DType::kUint32:
      return ReferenceRun(fn.template operator()<uint32_t>());
    case DType::kInt32:
      return ReferenceRun(fn.template operator()<int32_t>());
    case DType::kUint64:
      return ReferenceRun(fn.template operator()<uint64_t>());
    case DType::kInt64:
      return ReferenceRun(fn.template operator()<int64_t>());
    case DType::kFloat32:
      return ReferenceRun(fn.template operator()<float>());
    case DType::kFloat64:
      return ReferenceRun(fn.template operator()<double>());
    case DType::kBool:
    case DType::kFloat16:
      break;
  }
  return UnsupportedType("an integer, float32 or float64", dtype);
}

// Calls fn.template operator()<T>() with an unsigned integer of this size: for kernels that only move elements.
template <typename Fn>
decltype(auto) DispatchSize(size_t element_size, Fn&& fn) {
  switch (element_size) {
    case 1:
      return fn.template operator()<uint8_t>();
    case 2:
      return fn.template operator()<uint16_t>();
    case 4:
      return fn.template operator()<uint32_t>();
    default:
      BEAK_CHECK(element_size == 8);
      return fn.template operator()<uint64_t>();
  }
}

}  // namespace beak
