#pragma once

#include <optional>

#include "engine/tensor/dtype.h"

namespace beak {

// The engine's element types as the protocol knows them: one table. The numbers are those of inference::DataType; two
// of that enumeration have no counterpart here, TYPE_STRING ("BYTES") and TYPE_BF16.
std::optional<DType> DTypeFromProtocol(int data_type);
int ToProtocol(DType dtype);

// "FP32", "UINT8" ...: what requests and responses call a type; for error texts too.
const char* ProtocolName(DType dtype);

}  // namespace beak
