#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>

#include "engine/base/check.h"

namespace beak::testing {

// A folder of its own for a test, removed with all it holds at the end of its life.
class TempDir {
 public:
  TempDir() : path_(::testing::TempDir() + "/beak_test.XXXXXX") { BEAK_CHECK(mkdtemp(path_.data()) != nullptr); }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::string& path() const { return path_; }
  // The path of something in it.
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

  // Writes a file (and the folders it lies in) and returns its path.
  std::string Write(const std::string& name, const std::string& contents) const {
    const std::string path = *this / name;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path, std::ios::binary) << contents;
    return path;
  }

 private:
  std::string path_;
};

}  // namespace beak::testing
