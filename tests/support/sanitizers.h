#pragma once

namespace beak::testing {

// Whether this is built with AddressSanitizer or ThreadSanitizer, whose own memory is part of the process'.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kHasSanitizers = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr bool kHasSanitizers = true;
#else
inline constexpr bool kHasSanitizers = false;
#endif
#else
inline constexpr bool kHasSanitizers = false;
#endif

}  // namespace beak::testing
