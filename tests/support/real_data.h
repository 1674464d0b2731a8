#pragma once

#include <cstdlib>
#include <string>

namespace beak::testing {

// The path of something in the folder of real data that BEAK_DATA names. Whoever uses it skips where it is not there:
//   if (!IsRegularFile(path)) GTEST_SKIP() << path << " is not there (BEAK_DATA)";
inline std::string RealData(const std::string& name) {
  const char* folder = std::getenv("BEAK_DATA");
  if (folder != nullptr) return std::string(folder) + "/" + name;
  const char* source = std::getenv("BEAK_SOURCE_DIR");
  return std::string(source != nullptr ? source : ".") + "/../shared/data/" + name;
}

}  // namespace beak::testing
