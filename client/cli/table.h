#pragma once

#include <string>
#include <vector>

namespace beak::cli {

using Row = std::vector<std::string>;

// Columns as wide as their longest entry, two spaces between them; a line each. The first row, which must be there, has
// as many entries as any.
std::string Table(const std::vector<Row>& rows);

}  // namespace beak::cli
