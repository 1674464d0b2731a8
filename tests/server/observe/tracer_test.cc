#include "server/observe/tracer.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace beak {
namespace {

// Keeps the names of events.
class FakeWriter final : public TraceWriter {
 public:
  explicit FakeWriter(std::vector<std::string>* names) : names_(names) {}
  void NameTrack(int, const std::string&) override {}
  void Record(std::span<const TraceEvent> events) override {
    for (const TraceEvent& event : events) names_->push_back(event.name);
  }
  int64_t dropped() const override { return 0; }

 private:
  std::vector<std::string>* names_;
};

class TracerTest : public ::testing::Test {
 protected:
  Tracer WithRate(double rate) { return Tracer(std::make_unique<FakeWriter>(&names_), rate); }

  const std::optional<TraceContext> sampled_ =
      ParseTraceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
  std::vector<std::string> names_;
};

TEST_F(TracerTest, WithoutAWriterNothingIsTraced) {
  Tracer tracer;
  EXPECT_EQ(tracer.BeginRequest(std::nullopt), 0u);
  EXPECT_EQ(tracer.BeginRequest(sampled_), 0u) << "whatever the client says";
  tracer.Record(RequestTrace{});
  tracer.Record(ExecutionTrace{});
}

TEST_F(TracerTest, NumbersAreOfOneRequestOrOneExecution) {
  Tracer tracer = WithRate(1);
  EXPECT_EQ(tracer.BeginRequest(std::nullopt), 1u);
  EXPECT_EQ(tracer.BeginRequest(sampled_), 2u);
  EXPECT_EQ(tracer.BeginBatch(), 1u);
  EXPECT_EQ(tracer.BeginBatch(), 2u);
  EXPECT_EQ(tracer.BeginRequest(std::nullopt), 3u);
}

TEST_F(TracerTest, TheShareIsThatOfTheSamplerAndClientsMayAddToIt) {
  Tracer none = WithRate(0);
  EXPECT_EQ(none.BeginRequest(std::nullopt), 0u);
  EXPECT_EQ(none.BeginRequest(sampled_), 1u);
  Tracer half = WithRate(0.5);
  int traced = 0;
  for (int i = 0; i < 1000; ++i) traced += half.BeginRequest(std::nullopt) != 0 ? 1 : 0;
  EXPECT_NEAR(traced, 500, 100);
}

TEST_F(TracerTest, BothKindsGoToTheWriter) {
  Tracer tracer = WithRate(1);
  RequestTrace request;
  request.number = 1;
  tracer.Record(request);
  ExecutionTrace execution;
  execution.model = "mnist";
  tracer.Record(execution);
  EXPECT_EQ(names_, (std::vector<std::string>{"request", "mnist", "rows in", "run", "rows out"}));
}

}  // namespace
}  // namespace beak
