#pragma once

#include <string>

namespace beak::cli {

// What a command has to say on stdout, and whether it is good news: the exit status is 1 where it is not.
struct Outcome {
  std::string text;
  bool good = true;
};

}  // namespace beak::cli
