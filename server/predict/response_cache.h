#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/base/mutex.h"
#include "server/predict/request.h"

namespace beak {

// All that an answer depends on. Points into memory of the request, so that looking up copies nothing.
struct ResponseKey {
  std::string_view model;
  int64_t version = 0;
  uint64_t load = 0;  // a number that no other load of any version has: what is on disk may change
  std::span<const InputTensor> inputs;
  std::span<const RequestedOutput> outputs;
  // Of all the others. Equal keys have the same; a good one makes looking up fast, right it is with any.
  uint64_t hash = 0;
};

// The key of a request, hashed. `request` and what it points to must outlive it. The order of inputs and of outputs
// counts. Hashes differ from process to process.
ResponseKey MakeResponseKey(std::string_view model, int64_t version, uint64_t load, const PredictRequest& request);

// Remembers answers to requests, so that the same request again need not be computed. Bounded in bytes, keys and
// bookkeeping counted; the answer that was not asked for the longest goes first. Requests are the same where every byte
// is; a hash decides nothing. *Thread-safe*; no lock is held while requests are compared or copied.
class ResponseCache {
 public:
  struct Statistics {
    int64_t entries = 0;
    int64_t bytes = 0;      // at most the bound
    int64_t evictions = 0;  // to make room; what was forgotten does not count
  };

  explicit ResponseCache(int64_t max_bytes) : max_bytes_(max_bytes) {}

  // The answer to this request, or null. It may outlive the cache; while it is held, so is its memory.
  std::shared_ptr<const PredictResponse> Find(const ResponseKey& key);

  // Remembers a copy of an answer, and one of the request; nothing where there is one already, or where the two need
  // more than an eighth of the bound: a few large ones would keep all others out.
  void Insert(const ResponseKey& key, const PredictResponse& response);

  // Gives up what one load of a version has answered: it is not going to be asked again. What is inserted later, by
  // requests that were under way, goes in its turn.
  void Forget(uint64_t load);

  Statistics statistics() const;

 private:
  struct Entry;
  using EntryPtr = std::shared_ptr<const Entry>;
  using Order = std::list<EntryPtr>;  // the one asked for last first
  using Index = std::unordered_multimap<uint64_t, Order::iterator>;

  // Those that may be the one.
  std::vector<EntryPtr> WithHash(uint64_t hash) const REQUIRES(mutex_);
  std::vector<EntryPtr> Candidates(uint64_t hash) const EXCLUDES(mutex_);
  // The position of an entry, the end where it is gone.
  Index::iterator Position(const EntryPtr& entry) REQUIRES(mutex_);
  void Touch(const EntryPtr& entry) EXCLUDES(mutex_);
  // Moves entries from the cache to `out`, to be destroyed without the lock.
  void Take(Index::iterator position, Order* out) REQUIRES(mutex_);
  void Shrink(int64_t max_bytes, Order* out) REQUIRES(mutex_);

  const int64_t max_bytes_;

  mutable Mutex mutex_;
  Order order_ GUARDED_BY(mutex_);
  Index index_ GUARDED_BY(mutex_);
  int64_t bytes_ GUARDED_BY(mutex_) = 0;
  int64_t evictions_ GUARDED_BY(mutex_) = 0;
};

}  // namespace beak
