#include "server/jobs/event_reader.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"

namespace beak {
namespace {

constexpr size_t kMaxHeaderBytes = 5;  // of a varint of 32 bits

}  // namespace

absl::Status EventReader::ReadHeader(std::string_view bytes, Header* header) const {
  uint64_t length = 0;
  for (size_t i = 0; i < bytes.size() && i < kMaxHeaderBytes; ++i) {
    const auto byte = static_cast<unsigned char>(bytes[i]);
    length |= static_cast<uint64_t>(byte & 0x7f) << (7 * i);
    if (byte >= 0x80) continue;
    if (length > static_cast<uint64_t>(max_bytes_)) {
      return absl::DataLossError(absl::StrCat("event: expected at most ", max_bytes_, " bytes, got ", length));
    }
    *header = {static_cast<int64_t>(length), i + 1};
    return absl::OkStatus();
  }
  if (bytes.size() < kMaxHeaderBytes) return absl::OkStatus();
  return absl::DataLossError("event: expected its length, got bytes that are none");
}

absl::Status EventReader::Feed(std::string_view bytes, const std::function<void(v1::TrainEvent)>& told) {
  RETURN_IF_ERROR(status_);
  buffer_.append(bytes);
  std::string_view rest = buffer_;
  while (!rest.empty()) {
    Header header;
    status_ = ReadHeader(rest, &header);
    if (!status_.ok()) break;
    if (header.length < 0 || rest.size() - header.bytes < static_cast<size_t>(header.length)) break;
    v1::TrainEvent event;
    if (!event.ParseFromArray(rest.data() + header.bytes, static_cast<int>(header.length))) {
      status_ = absl::DataLossError(absl::StrCat("event: expected a TrainEvent, got ", header.length, " other bytes"));
      break;
    }
    rest.remove_prefix(header.bytes + static_cast<size_t>(header.length));
    told(std::move(event));
  }
  buffer_.erase(0, buffer_.size() - rest.size());
  return status_;
}

}  // namespace beak
