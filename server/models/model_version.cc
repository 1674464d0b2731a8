#include "server/models/model_version.h"

#include <algorithm>
#include <atomic>
#include <utility>

namespace beak {
namespace {

// Sets of shapes whose programs a version keeps.
constexpr size_t kMaxShapes = 16;

std::atomic<uint64_t> loads{0};

}  // namespace

ModelVersion::ModelVersion(Parts parts) : parts_(std::move(parts)), load_(++loads) {}

std::shared_ptr<ProgramSet> ModelVersion::Programs(const std::vector<Shape>& row_shapes) const {
  std::shared_ptr<ProgramSet> last;  // may be its last owner: destroyed after the lock is released
  MutexLock lock(mutex_);
  const auto found = std::find_if(programs_.begin(), programs_.end(),
                                  [&](const auto& programs) { return programs->row_shapes() == row_shapes; });
  if (found != programs_.end()) {
    programs_.splice(programs_.begin(), programs_, found);
    return programs_.front();
  }
  programs_.push_front(
      std::make_shared<ProgramSet>(parts_.network, row_shapes, parts_.signature.batched(), parts_.lanes));
  if (programs_.size() > kMaxShapes) {
    last = std::move(programs_.back());
    programs_.pop_back();
  }
  return programs_.front();
}

std::vector<std::shared_ptr<ProgramSet>> ModelVersion::AllPrograms() const {
  MutexLock lock(mutex_);
  return {programs_.begin(), programs_.end()};
}

}  // namespace beak
