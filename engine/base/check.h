#pragma once

#include <cstdio>
#include <cstdlib>

// Aborts with the place when `condition` is false. Only for what our own bugs can break, never for anything that
// a client, a file, a data set or a configuration can cause: those are absl::Status.
#define BEAK_CHECK(condition)                                                                \
  do {                                                                                       \
    if (!(condition)) {                                                                      \
      std::fprintf(stderr, "%s:%d: broken invariant: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                          \
    }                                                                                        \
  } while (false)
