#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/tensor/dtype.h"

namespace beak {

// The `classes` largest elements of each of `rows` equal parts of a tensor, largest first, the lower index first among
// equals, NaN last: "value:index", or "value:index:label" where there is a label. As many as a part has at most; row by
// row. The value is the shortest text that gives the same number back. REQUIRES: rows >= 1 divides the elements,
// classes >= 1.
std::vector<std::string> TopClasses(DType dtype, std::span<const std::byte> data, int64_t rows, int64_t classes,
                                    const std::vector<std::string>& labels);

}  // namespace beak
