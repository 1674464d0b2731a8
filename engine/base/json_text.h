#pragma once

#include <string>
#include <string_view>

namespace beak {

// `text` as it stands between the quotes of a JSON string (RFC 8259), whatever its bytes are: quotes, backslashes and
// control characters become escapes, what is no UTF-8 becomes U+FFFD, one for each byte.
std::string JsonEscaped(std::string_view text);

// The same with the quotes around it.
std::string JsonQuoted(std::string_view text);

}  // namespace beak
