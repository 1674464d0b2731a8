// The element types of the protocol: their names, sizes and where typed contents carry them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace beak::wire {

// The numbers are those of inference::DataType, in which a model's configuration names types.
enum class Datatype : uint8_t {
  kBool = 1,
  kUint8 = 2,
  kUint16 = 3,
  kUint32 = 4,
  kUint64 = 5,
  kInt8 = 6,
  kInt16 = 7,
  kInt32 = 8,
  kInt64 = 9,
  kFp16 = 10,
  kFp32 = 11,
  kFp64 = 12,
  kBytes = 13,  // Called STRING in a configuration.
  kBf16 = 14,
};

// The field of inference.InferTensorContents that carries a type. FP16 and BF16 have none.
enum class ContentsField : uint8_t { kNone, kBool, kInt, kInt64, kUint, kUint64, kFp32, kFp64, kBytes };

struct DatatypeInfo {
  Datatype datatype;
  const char* name;  // On the wire: "FP32".
  size_t byte_size;  // Of one element; 0 for BYTES, whose elements differ.
  ContentsField field;
};

// Every type, once.
absl::Span<const DatatypeInfo> AllDatatypes();

const DatatypeInfo& Describe(Datatype datatype);

// "FP32" -> kFp32. INVALID_ARGUMENT for a name that the protocol does not have.
absl::StatusOr<Datatype> ParseDatatype(std::string_view name);

// A value of inference::DataType -> the type. INVALID_ARGUMENT for TYPE_INVALID and for numbers that it does not have.
absl::StatusOr<Datatype> DatatypeFromConfig(int data_type);

}  // namespace beak::wire
