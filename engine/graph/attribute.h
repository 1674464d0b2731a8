#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "engine/tensor/tensor.h"

namespace beak {

// What a node is told besides its inputs. The alternatives, in this order, are the attribute types of the graph.
using Attribute = std::variant<int64_t, float, std::string, std::vector<int64_t>, std::vector<float>,
                               std::vector<std::string>, Tensor>;

enum class AttributeType { kInt, kFloat, kString, kInts, kFloats, kStrings, kTensor };

inline AttributeType TypeOf(const Attribute& attribute) { return static_cast<AttributeType>(attribute.index()); }
// "int", "float", "string", "ints" ...
const char* NameOf(AttributeType type);

// Ordered, so that the text form is the same every time.
using AttributeMap = std::map<std::string, Attribute>;

}  // namespace beak
