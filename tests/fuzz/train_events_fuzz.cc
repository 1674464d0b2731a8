// What a train process tells, cut into events, whatever it is and however it comes.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "engine/base/check.h"
#include "server/jobs/event_reader.h"

namespace {

constexpr int64_t kMaxEvent = 1 << 16;

// The number of events that are told before the first that is none.
int Read(std::string_view bytes, size_t piece) {
  beak::EventReader reader(kMaxEvent);
  int events = 0;
  while (!bytes.empty()) {
    const std::string_view part = bytes.substr(0, piece);
    bytes.remove_prefix(part.size());
    const absl::Status status = reader.Feed(part, [&](const beak::v1::TrainEvent& event) {
      BEAK_CHECK(static_cast<int64_t>(event.ByteSizeLong()) <= 2 * kMaxEvent);
      ++events;
    });
    if (!status.ok()) break;
  }
  return events;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const int events = Read(bytes, std::max<size_t>(1, size));
  BEAK_CHECK(Read(bytes, 1) == events);
  BEAK_CHECK(Read(bytes, 7) == events);
  return 0;
}
