#include "engine/job/event_stream.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>

namespace beak {
namespace {

std::string Delimited(const v1::TrainEvent& event) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream out(&stream);
    out.WriteVarint32(static_cast<uint32_t>(event.ByteSizeLong()));
    event.SerializeToCodedStream(&out);
  }
  return bytes;
}

}  // namespace

void EventStream::Write(const v1::TrainEvent& event) {
  const std::string bytes = Delimited(event);
  std::string_view rest = bytes;
  while (!broken_ && !rest.empty()) {
    const ssize_t n = write(fd_, rest.data(), rest.size());
    if (n >= 0) {
      rest.remove_prefix(static_cast<size_t>(n));
    } else if (errno == EAGAIN) {
      pollfd ready{fd_, POLLOUT, 0};
      poll(&ready, 1, -1);
    } else if (errno != EINTR) {
      broken_ = true;
    }
  }
}

void EventStream::Reading(int64_t, int64_t) {
  v1::TrainEvent event;
  event.mutable_progress()->set_phase(v1::TrainProgress::READING_DATA);
  Write(event);
}

void EventStream::Plan(const v1::TrainPlan& plan) {
  v1::TrainEvent event;
  *event.mutable_plan() = plan;
  Write(event);
}

void EventStream::Progress(const v1::TrainProgress& progress) {
  v1::TrainEvent event;
  *event.mutable_progress() = progress;
  Write(event);
}

void EventStream::Epoch(const v1::EpochReport& epoch) {
  v1::TrainEvent event;
  *event.mutable_epoch() = epoch;
  Write(event);
}

void EventStream::Notice(const std::string& notice) {
  v1::TrainEvent event;
  event.set_notice(notice);
  Write(event);
}

void EventStream::Result(const v1::TrainResult& result) {
  v1::TrainEvent event;
  *event.mutable_result() = result;
  Write(event);
}

void EventStream::Failure(const absl::Status& status) {
  v1::TrainEvent event;
  event.mutable_failure()->set_code(static_cast<int>(status.code()));
  event.mutable_failure()->set_message(std::string(status.message()));
  Write(event);
}

}  // namespace beak
