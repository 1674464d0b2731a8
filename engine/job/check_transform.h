#pragma once

#include <string>
#include <vector>

#include "engine/job/check_place.h"

namespace beak {

namespace v1 {
class Transform;
}

// Adds a line for everything that can be told to be wrong with a transform by itself. `known` are the fields of the
// samples; empty where nobody knows them. Private to engine/job. Pure.
void CheckTransform(const FieldPlace& at, const v1::Transform& transform, const std::vector<std::string>& known);

}  // namespace beak
