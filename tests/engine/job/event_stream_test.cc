#include "engine/job/event_stream.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <google/protobuf/io/zero_copy_stream_impl.h>
#include <google/protobuf/util/delimited_message_util.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <thread>
#include <vector>

#include "engine/base/scoped_fd.h"

namespace beak {
namespace {

struct Pipe {
  ScopedFd in, out;

  Pipe() {
    int ends[2];
    EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
    in.reset(ends[0]);
    out.reset(ends[1]);
    signal(SIGPIPE, SIG_IGN);
  }
};

// All that comes until the other end is closed.
std::vector<v1::TrainEvent> ReadAll(int fd) {
  google::protobuf::io::FileInputStream stream(fd);
  std::vector<v1::TrainEvent> events;
  bool end = false;
  while (true) {
    v1::TrainEvent event;
    if (!google::protobuf::util::ParseDelimitedFromZeroCopyStream(&event, &stream, &end)) break;
    events.push_back(event);
  }
  EXPECT_TRUE(end) << "nothing is left over";
  return events;
}

TEST(EventStreamTest, TellsEverythingInOrder) {
  Pipe pipe;
  {
    EventStream stream(pipe.out.get());
    stream.Reading(1, 2);
    v1::TrainPlan plan;
    plan.set_steps(7);
    stream.Plan(plan);
    v1::TrainProgress progress;
    progress.set_phase(v1::TrainProgress::TRAINING);
    progress.set_step(3);
    stream.Progress(progress);
    v1::EpochReport epoch;
    epoch.set_epoch(1);
    stream.Epoch(epoch);
    stream.Notice("");
    v1::TrainResult result;
    result.set_parameters(12);
    stream.Result(result);
    stream.Failure(absl::NotFoundError("no data"));
    pipe.out.reset();
  }
  const std::vector<v1::TrainEvent> events = ReadAll(pipe.in.get());
  ASSERT_EQ(events.size(), 7u);
  EXPECT_EQ(events[0].progress().phase(), v1::TrainProgress::READING_DATA);
  EXPECT_EQ(events[1].plan().steps(), 7);
  EXPECT_EQ(events[2].progress().step(), 3);
  EXPECT_EQ(events[3].epoch().epoch(), 1);
  EXPECT_TRUE(events[4].has_notice());
  EXPECT_EQ(events[5].result().parameters(), 12);
  EXPECT_EQ(events[6].failure().code(), 5) << "google.rpc.Code";
  EXPECT_EQ(events[6].failure().message(), "no data");
}

TEST(EventStreamTest, WaitsForSlowReadersAndLosesNothing) {
  for (const int flags : {0, O_NONBLOCK}) {
    Pipe pipe;
    fcntl(pipe.out.get(), F_SETFL, flags);
    std::vector<v1::TrainEvent> events;
    std::thread reader([&] { events = ReadAll(pipe.in.get()); });
    EventStream stream(pipe.out.get());
    const std::string large(100'000, 'x');  // more than a pipe holds
    for (int i = 0; i < 5; ++i) stream.Notice(large + std::to_string(i));
    pipe.out.reset();
    reader.join();
    ASSERT_EQ(events.size(), 5u);
    for (int i = 0; i < 5; ++i) EXPECT_EQ(events[i].notice(), large + std::to_string(i));
  }
}

TEST(EventStreamTest, GoesOnWhenNobodyReadsAnyMore) {
  Pipe pipe;
  EventStream stream(pipe.out.get());
  pipe.in.reset();
  stream.Notice("a");
  stream.Notice("b");
  EventStream closed(-1);
  closed.Notice("c");
  SUCCEED() << "and no signal has ended the process";
}

TEST(EventStreamTest, SmallEventsAreOneWriteEach) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_DIRECT | O_CLOEXEC), 0);  // keeps the bounds of writes
  const ScopedFd in(ends[0]), out(ends[1]);
  EventStream stream(out.get());
  stream.Notice("one");
  stream.Notice("three");
  char bytes[100];
  EXPECT_EQ(read(in.get(), bytes, sizeof(bytes)), 1 + 2 + 3) << "length; tag and length; text";
  EXPECT_EQ(read(in.get(), bytes, sizeof(bytes)), 1 + 2 + 5);
}

}  // namespace
}  // namespace beak
