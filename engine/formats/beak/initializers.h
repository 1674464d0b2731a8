#pragma once

#include "absl/status/statusor.h"
#include "engine/formats/beak/network.h"
#include "proto/beak/v1/network.pb.h"

namespace beak::network_format {

struct Fans;

InitializerSpec Constant(double value);
InitializerSpec Uniform(double limit);  // in [-limit, limit]
InitializerSpec GlorotUniform();

// What a description says of a parameter's beginning; `fallback` where it leaves the kind open. INVALID_ARGUMENT names
// the field that is wrong.
absl::StatusOr<InitializerSpec> Resolve(const v1::Initializer& given, const InitializerSpec& fallback,
                                        const Fans& fans);

}  // namespace beak::network_format
