#include "server/predict/response_cache.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string>
#include <utility>

#include "absl/hash/hash.h"

namespace beak {
namespace {

// Larger ones are not taken.
constexpr int64_t kMostOfCache = 8;
// What the containers and the allocator need for an entry beside its contents: nodes of the list and of the index, the
// index's share of its table, counts of references, and eight allocations' heads.
constexpr int64_t kBookkeepingBytes = 256;

template <typename T>
int64_t BytesOf(std::span<const T> items) {
  return static_cast<int64_t>(items.size_bytes());
}

// Debian's Abseil knows neither std::string_view nor std::optional.
template <typename H>
H Combine(H state, std::span<const std::byte> bytes) {
  const auto* data = reinterpret_cast<const unsigned char*>(bytes.data());
  return H::combine(H::combine_contiguous(std::move(state), data, bytes.size()), bytes.size());
}

template <typename H>
H Combine(H state, const InputTensor& input) {
  state = Combine(std::move(state), std::as_bytes(std::span(input.name)));
  state = H::combine(std::move(state), input.dtype ? static_cast<int>(*input.dtype) : -1, input.shape);
  return Combine(std::move(state), input.data);
}

// What absl::Hash is asked for: it gives one value for a key.
struct Hashed {
  const ResponseKey& key;

  template <typename H>
  friend H AbslHashValue(H state, const Hashed& hashed) {
    const ResponseKey& key = hashed.key;
    state = Combine(std::move(state), std::as_bytes(std::span(key.model)));
    state = H::combine(std::move(state), key.version, key.load, key.inputs.size(), key.outputs.size());
    for (const InputTensor& input : key.inputs) state = Combine(std::move(state), input);
    for (const RequestedOutput& output : key.outputs) {
      state = H::combine(std::move(state), output.name, output.classes);
    }
    return state;
  }
};

bool Same(const InputTensor& a, const InputTensor& b) {
  return a.name == b.name && a.dtype == b.dtype && a.shape == b.shape && a.data.size() == b.data.size() &&
         (a.data.empty() || std::memcmp(a.data.data(), b.data.data(), a.data.size()) == 0);
}

bool Same(const RequestedOutput& a, const RequestedOutput& b) { return a.name == b.name && a.classes == b.classes; }

template <typename T>
bool SameAll(std::span<const T> a, std::span<const T> b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const T& x, const T& y) { return Same(x, y); });
}

// Cheap things first: megabytes are compared where all else is the same.
bool Same(const ResponseKey& a, const ResponseKey& b) {
  return a.hash == b.hash && a.load == b.load && a.version == b.version && a.model == b.model &&
         SameAll(a.outputs, b.outputs) && SameAll(a.inputs, b.inputs);
}

int64_t HeapBytes(const ResponseKey& key) {
  int64_t bytes = static_cast<int64_t>(key.model.size()) + BytesOf(key.inputs) + BytesOf(key.outputs);
  for (const InputTensor& input : key.inputs) {
    bytes += static_cast<int64_t>(input.name.size()) + BytesOf(std::span(input.shape)) + BytesOf(input.data);
  }
  for (const RequestedOutput& output : key.outputs) bytes += static_cast<int64_t>(output.name.size());
  return bytes;
}

int64_t HeapBytes(const PredictResponse& response) {
  int64_t bytes = static_cast<int64_t>(response.model.size()) + BytesOf(std::span(response.outputs));
  for (const OutputTensor& output : response.outputs) {
    bytes += static_cast<int64_t>(output.name.size() + output.data.size()) + BytesOf(std::span(output.shape)) +
             BytesOf(std::span(output.strings));
    for (const std::string& text : output.strings) bytes += static_cast<int64_t>(text.size());
  }
  return bytes;
}

}  // namespace

// A request and its answer, in memory of their own. *Immutable.*
struct ResponseCache::Entry {
  Entry(const ResponseKey& from, const PredictResponse& answer, int64_t size)
      : bytes(size),
        inputs(from.inputs.begin(), from.inputs.end()),
        outputs(from.outputs.begin(), from.outputs.end()),
        key(from),
        response(answer) {
    size_t needed = from.model.size();
    for (const InputTensor& input : inputs) needed += input.name.size() + input.data.size();
    memory.reserve(needed);
    key.model = Keep(from.model);
    for (InputTensor& input : inputs) {
      input.name = Keep(input.name);
      const std::string_view data = Keep({reinterpret_cast<const char*>(input.data.data()), input.data.size()});
      input.data = std::as_bytes(std::span(data));
    }
    key.inputs = inputs;
    key.outputs = outputs;
  }

  static int64_t BytesFor(const ResponseKey& key, const PredictResponse& response) {
    return static_cast<int64_t>(sizeof(Entry)) + kBookkeepingBytes + HeapBytes(key) + HeapBytes(response);
  }

  // Copies bytes to the end of `memory`, which never has to grow.
  std::string_view Keep(std::string_view bytes_of_other) {
    const size_t begin = memory.size();
    memory.append(bytes_of_other);
    return std::string_view(memory).substr(begin);
  }

  const int64_t bytes;
  std::string memory;  // what views of the key point to
  std::vector<InputTensor> inputs;
  const std::vector<RequestedOutput> outputs;
  ResponseKey key;
  const PredictResponse response;
};

ResponseKey MakeResponseKey(std::string_view model, int64_t version, uint64_t load, const PredictRequest& request) {
  ResponseKey key{model, version, load, request.inputs, request.outputs, 0};
  key.hash = absl::Hash<Hashed>()({key});
  return key;
}

std::shared_ptr<const PredictResponse> ResponseCache::Find(const ResponseKey& key) {
  for (const EntryPtr& entry : Candidates(key.hash)) {
    if (!Same(entry->key, key)) continue;
    Touch(entry);
    return {entry, &entry->response};
  }
  return nullptr;
}

void ResponseCache::Insert(const ResponseKey& key, const PredictResponse& response) {
  const int64_t bytes = Entry::BytesFor(key, response);
  if (bytes > max_bytes_ / kMostOfCache) return;
  EntryPtr added;
  Order evicted;  // destroyed after the lock is released
  while (true) {
    const std::vector<EntryPtr> seen = Candidates(key.hash);
    if (std::any_of(seen.begin(), seen.end(), [&](const EntryPtr& entry) { return Same(entry->key, key); })) return;
    if (!added) added = std::make_shared<const Entry>(key, response, bytes);
    MutexLock lock(mutex_);
    if (WithHash(key.hash) != seen) continue;  // another thread may have inserted the same meanwhile
    Shrink(max_bytes_ - bytes, &evicted);
    order_.push_front(std::move(added));
    index_.emplace(key.hash, order_.begin());
    bytes_ += bytes;
    return;
  }
}

void ResponseCache::Forget(uint64_t load) {
  Order forgotten;  // destroyed after the lock is released
  MutexLock lock(mutex_);
  for (auto entry = order_.begin(); entry != order_.end();) {
    const EntryPtr& one = *entry++;
    if (one->key.load == load) Take(Position(one), &forgotten);
  }
}

ResponseCache::Statistics ResponseCache::statistics() const {
  MutexLock lock(mutex_);
  return {static_cast<int64_t>(order_.size()), bytes_, evictions_};
}

std::vector<ResponseCache::EntryPtr> ResponseCache::WithHash(uint64_t hash) const {
  std::vector<EntryPtr> entries;
  const auto [first, last] = index_.equal_range(hash);
  for (auto position = first; position != last; ++position) entries.push_back(*position->second);
  return entries;
}

std::vector<ResponseCache::EntryPtr> ResponseCache::Candidates(uint64_t hash) const {
  MutexLock lock(mutex_);
  return WithHash(hash);
}

ResponseCache::Index::iterator ResponseCache::Position(const EntryPtr& entry) {
  auto [position, last] = index_.equal_range(entry->key.hash);
  while (position != last && *position->second != entry) ++position;
  return position != last ? position : index_.end();
}

void ResponseCache::Touch(const EntryPtr& entry) {
  MutexLock lock(mutex_);
  const auto position = Position(entry);
  if (position != index_.end()) order_.splice(order_.begin(), order_, position->second);
}

void ResponseCache::Take(Index::iterator position, Order* out) {
  const Order::iterator entry = position->second;
  bytes_ -= (*entry)->bytes;
  index_.erase(position);
  out->splice(out->begin(), order_, entry);
}

void ResponseCache::Shrink(int64_t max_bytes, Order* out) {
  while (bytes_ > max_bytes) {
    Take(Position(order_.back()), out);
    ++evictions_;
  }
}

}  // namespace beak
