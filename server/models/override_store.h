#pragma once

#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace beak {

// Keeps the configurations in which an operator had models loaded, so that they hold after a restart: JSON as it came,
// a file for each model. *Thread-compatible.*
class OverrideStore {
 public:
  // Keeps its files beneath `state_dir`; keeps nothing where that is empty. A file that cannot be understood is a
  // warning in the log. An error where the folder cannot be made or read.
  static absl::StatusOr<OverrideStore> Open(const std::string& state_dir);

  bool durable() const { return !folder_.empty(); }
  const std::map<std::string, std::string>& all() const { return all_; }  // what was kept at Open, by model

  // Durable on return.
  absl::Status Keep(const std::string& model, const std::string& json) const;
  absl::Status Drop(const std::string& model) const;

 private:
  explicit OverrideStore(std::string folder) : folder_(std::move(folder)) {}

  absl::Status ReadEntry(const std::string& path);
  std::string PathOf(const std::string& model) const;

  std::string folder_;
  std::map<std::string, std::string> all_;
};

}  // namespace beak
