#pragma once

#include <string>
#include <vector>

namespace beak::v1 {
class Layer;
}

namespace beak::network_format {

// What can be told of a layer by itself: numbers out of range, enum values that there are not, lists that must not be
// empty. One text a wrong field, "kernel.initializer.gain: expected ..., got ...".
std::vector<std::string> CheckFields(const v1::Layer& layer);

}  // namespace beak::network_format
