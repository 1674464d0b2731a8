#pragma once

#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "engine/data/bad_samples.h"
#include "engine/data/schema.h"

namespace beak::data {

// The samples of a data set as they are stored, by number. What is known to be bad was dealt with when it was opened.
// Immutable as long as its files are. *Thread-safe.*
class Source {
 public:
  virtual ~Source() = default;

  virtual const Schema& schema() const = 0;
  // How many samples there are, at least one.
  virtual int64_t size() const = 0;
  // What was left out when the source was opened.
  virtual const SkippedSamples& skipped() const = 0;

  // One field of sample `index`, the same whenever it is read. For some fields, labels above all, much cheaper than the
  // sample. REQUIRES: 0 <= index < size(), a field of the schema.
  virtual absl::StatusOr<Tensor> ReadField(int64_t index, size_t field) const = 0;

  // All fields of sample `index`. REQUIRES: 0 <= index < size()
  absl::StatusOr<Sample> Read(int64_t index) const;
};

using SourcePtr = std::shared_ptr<const Source>;

}  // namespace beak::data
