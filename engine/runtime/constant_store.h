#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/mutex.h"
#include "engine/graph/graph.h"
#include "engine/runtime/layout.h"
#include "engine/tensor/buffer.h"

namespace beak {

// The weights of one model, each in the layouts that its programs read, shared by all of them. The plain copy is
// dropped once a packed one exists; a layout that is asked for later is made from one that is there. *Thread-safe.*
class ConstantStore {
 public:
  // Constants up to this size stay in the graph as well: shapes, axes and scales that rules and kernels look at.
  static constexpr size_t kInlineBytes = 4096;

  // Takes the bytes of all larger constants out of `graph`.
  explicit ConstantStore(Graph& graph);

  // The constant `name` in `layout`, packed now where it is not there yet. Null where the store has no such constant.
  std::shared_ptr<const Buffer> Get(const std::string& name, const Layout& layout) EXCLUDES(mutex_);

  // Drops what no program holds, but keeps one layout of each constant.
  void DropUnused() EXCLUDES(mutex_);

  int64_t byte_size() const EXCLUDES(mutex_);

 private:
  struct Packed {
    Layout layout;
    std::shared_ptr<const Buffer> buffer;
  };
  struct Entry {
    Layout plain;
    std::vector<Packed> packed;
  };

  static std::shared_ptr<const Buffer> Convert(const Entry& entry, const Layout& layout);

  mutable Mutex mutex_;
  std::map<std::string, Entry> entries_ GUARDED_BY(mutex_);
};

// `plain` in `layout`: how a constant is packed.
std::shared_ptr<const Buffer> PackConstant(const std::shared_ptr<const Buffer>& plain, const Layout& layout);

}  // namespace beak
