#include "engine/runtime/constant_store.h"

#include <algorithm>

namespace beak {

std::shared_ptr<const Buffer> PackConstant(const std::shared_ptr<const Buffer>& plain, const Layout& layout) {
  if (layout.plain()) return plain;
  std::shared_ptr<Buffer> packed = Buffer::Allocate(layout.byte_size());
  layout.opaque()->Pack(plain->data(), packed->data());
  return packed;
}

ConstantStore::ConstantStore(Graph& graph) {
  for (ValueId id = 0; id < graph.num_values(); ++id) {
    Value& value = graph.mutable_value(id);
    if (!value.constant || value.constant->byte_size() <= kInlineBytes) continue;
    const Tensor tensor = *value.constant;
    const Layout plain = Layout::Plain(tensor.dtype(), tensor.shape());
    value.constant = Tensor::WithoutBytes(tensor.dtype(), tensor.shape());
    entries_[value.name] = {plain, {{plain, tensor.buffer()}}};
  }
}

std::shared_ptr<const Buffer> ConstantStore::Convert(const Entry& entry, const Layout& layout) {
  const auto plain = std::find_if(entry.packed.begin(), entry.packed.end(),
                                  [](const Packed& packed) { return packed.layout.plain(); });
  if (plain != entry.packed.end()) return PackConstant(plain->buffer, layout);
  const Packed& source = entry.packed.front();
  std::shared_ptr<Buffer> unpacked = Buffer::Allocate(entry.plain.byte_size());
  source.layout.opaque()->Unpack(source.buffer->data(), unpacked->data());
  return PackConstant(unpacked, layout);
}

std::shared_ptr<const Buffer> ConstantStore::Get(const std::string& name, const Layout& layout) {
  MutexLock lock(mutex_);
  const auto it = entries_.find(name);
  if (it == entries_.end()) return nullptr;
  Entry& entry = it->second;
  for (const Packed& packed : entry.packed) {
    if (packed.layout == layout) return packed.buffer;
  }
  entry.packed.push_back({layout, Convert(entry, layout)});
  return entry.packed.back().buffer;
}

void ConstantStore::DropUnused() {
  MutexLock lock(mutex_);
  for (auto& [name, entry] : entries_) {
    auto& packed = entry.packed;
    // The newest stays when nobody holds any: it is what the next program will most likely ask for.
    for (size_t i = 0; i < packed.size() && packed.size() > 1;) {
      if (packed[i].buffer.use_count() == 1) {
        packed.erase(packed.begin() + static_cast<std::ptrdiff_t>(i));
      } else {
        ++i;
      }
    }
  }
}

int64_t ConstantStore::byte_size() const {
  MutexLock lock(mutex_);
  int64_t bytes = 0;
  for (const auto& [name, entry] : entries_) {
    for (const Packed& packed : entry.packed) bytes += static_cast<int64_t>(packed.buffer->size());
  }
  return bytes;
}

}  // namespace beak
