#pragma once

#include "absl/status/statusor.h"
#include "engine/initializers/fans.h"
#include "engine/initializers/flavour.h"
#include "engine/initializers/initializer.h"
#include "proto/beak/v1/network.pb.h"

namespace beak::network_format {

// Whose rules count the fans of a parameter that begins so.
Flavour FlavourOf(const v1::Initializer& given);

// What a description says of a parameter's beginning; `fallback` where it leaves the kind open. INVALID_ARGUMENT names
// the field that is wrong.
absl::StatusOr<Initializer> Resolve(const v1::Initializer& given, const Initializer& fallback, const Fans& fans);

}  // namespace beak::network_format
