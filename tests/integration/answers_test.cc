// Whose rows an answer is made of, whatever else goes on in the server.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/integration/running_server.h"
#include "tests/integration/serving.h"
#include "tests/server/support/networks.h"
#include "tests/support/temp_dir.h"

namespace beak {
namespace {

using testing::Connect;
using testing::Eventually;
using testing::FloatRequest;
using testing::Floats;
using testing::Infer;
using testing::InferenceStub;
using testing::RunningServer;

using std::chrono::milliseconds;

constexpr int kFloat = 1;  // ONNX's number

// ---------------------------------------------------------------- mixed-up answers

// Requests whose answers tell whose they are: y = factor * x, of rows that hardly any other request has.
class Questions {
 public:
  struct Question {
    inference::ModelInferRequest request;
    std::vector<float> answer;
  };

  explicit Questions(uint32_t seed) : random_(seed) {}

  Question Next() {
    static const struct {
      const char* model;
      int columns;
      float factor;
    } kKinds[] = {{"triple", 2, 3}, {"negative", 2, -1}, {"same", 3, 1}, {"same", 5, 1}};
    const auto& kind = kKinds[random_() % 4];
    const int64_t rows = 1 + random_() % 9;
    std::vector<float> values(static_cast<size_t>(rows * kind.columns));
    for (float& value : values) value = static_cast<float>(random_() % 4'000'000);  // exact, the triple of it too
    Question question{FloatRequest(kind.model, {rows, kind.columns}, values), values};
    for (float& value : question.answer) value *= kind.factor;
    return question;
  }
  uint32_t Random(uint32_t below) { return static_cast<uint32_t>(random_()) % below; }

 private:
  std::mt19937 random_;
};

class MixedUpTest : public ::testing::Test {
 protected:
  MixedUpTest() {
    dir_.Write("triple/1/model.onnx", testing::ScaleNetwork(3));
    dir_.Write("negative/1/model.onnx", testing::ScaleNetwork(-1));
    dir_.Write("same/1/model.onnx", testing::IdentityNetwork(kFloat, {-1, -1}));
    dir_.Write("same/config.pbtxt", "max_batch_size: 8");  // less than the largest request has
    ServerConfig config;
    config.model_repository = dir_.path();
    config.threads = 2;
    running_ = std::make_unique<RunningServer>(config);
  }

  // Some seconds; for a soak as many as BEAK_SOAK_SECONDS says, a minute for instance.
  static std::chrono::steady_clock::time_point End() {
    const char* soak = std::getenv("BEAK_SOAK_SECONDS");
    return std::chrono::steady_clock::now() + std::chrono::seconds(soak != nullptr ? std::atoi(soak) : 5);
  }
  bool over() const { return std::chrono::steady_clock::now() >= end_; }

  void Check(const Questions::Question& question, const inference::ModelInferResponse& response) {
    ++answered_;
    if (Floats(response) != question.answer) ++wrong_;
  }

  // Asks and waits for the answer.
  void AskOneByOne(uint32_t seed) {
    const auto stub = running_->NewStub();
    Questions questions(seed);
    while (!over()) {
      const Questions::Question question = questions.Next();
      inference::ModelInferResponse response;
      const grpc::Status status = Infer(*stub, question.request, &response);
      EXPECT_TRUE(status.ok()) << status.error_message();
      Check(question, response);
    }
  }

  // Asks many things at once.
  void AskInStreams(uint32_t seed) {
    constexpr int kRequests = 40;
    const auto stub = running_->NewStub();
    Questions questions(seed);
    while (!over()) {
      grpc::ClientContext context;
      const auto stream = stub->ModelStreamInfer(&context);
      std::vector<Questions::Question> asked;
      for (int i = 0; i < kRequests; ++i) {
        asked.push_back(questions.Next());
        asked.back().request.set_id(std::to_string(i));
        EXPECT_TRUE(stream->Write(asked.back().request));
      }
      stream->WritesDone();
      for (int i = 0; i < kRequests; ++i) {
        inference::ModelStreamInferResponse response;
        ASSERT_TRUE(stream->Read(&response));
        EXPECT_EQ(response.error_message(), "");
        EXPECT_EQ(response.infer_response().id(), std::to_string(i));
        Check(asked[static_cast<size_t>(i)], response.infer_response());
      }
      EXPECT_TRUE(stream->Finish().ok());
    }
  }

  // Has next to no time, cancels, hangs up. What is answered is checked all the same.
  void Disturb(uint32_t seed) {
    const auto stub = running_->NewStub();
    Questions questions(seed);
    while (!over()) {
      const Questions::Question question = questions.Next();
      switch (questions.Random(3)) {
        case 0: {
          inference::ModelInferResponse response;
          const milliseconds deadline(questions.Random(3));
          if (Infer(*stub, question.request, &response, deadline).ok()) Check(question, response);
          break;
        }
        case 1:
          Call(*stub, question, [&](grpc::ClientContext& context) {
            for (uint32_t i = questions.Random(50); i > 0; --i) std::this_thread::yield();
            context.TryCancel();
          });
          break;
        case 2: {
          testing::Wire wire(running_->server->grpc_port());
          const auto far_stub = inference::GRPCInferenceService::NewStub(Connect(wire.port()));
          Call(*far_stub, question, [&](grpc::ClientContext&) {
            for (uint32_t i = questions.Random(500); i > 0; --i) std::this_thread::yield();
            wire.Cut();
          });
          break;
        }
      }
      ++disturbed_;
    }
  }
  // One call, of which `interfere` is told while it is under way.
  void Call(InferenceStub& stub, const Questions::Question& question,
            const std::function<void(grpc::ClientContext&)>& interfere) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::minutes(1));
    inference::ModelInferResponse response;
    std::promise<grpc::Status> over;
    stub.async()->ModelInfer(&context, &question.request, &response,
                             [&](const grpc::Status& status) { over.set_value(status); });
    interfere(context);
    if (over.get_future().get().ok()) Check(question, response);
  }

  const testing::TempDir dir_;
  std::unique_ptr<RunningServer> running_;
  std::chrono::steady_clock::time_point end_;
  std::atomic<int> answered_{0};
  std::atomic<int> wrong_{0};
  std::atomic<int> disturbed_{0};
};

// They are the worst bug that a batcher can have.
TEST_F(MixedUpTest, EverybodyGetsTheAnswerToTheirOwnRows) {
  end_ = End();
  std::vector<std::thread> clients;
  uint32_t seed = 0;
  for (int i = 0; i < 6; ++i) clients.emplace_back([this, seed = ++seed] { AskOneByOne(seed); });
  for (int i = 0; i < 2; ++i) clients.emplace_back([this, seed = ++seed] { AskInStreams(seed); });
  for (int i = 0; i < 2; ++i) clients.emplace_back([this, seed = ++seed] { Disturb(seed); });
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(wrong_, 0) << "of " << answered_;
  EXPECT_GT(answered_, 1000);
  EXPECT_GT(disturbed_, 20);
  for (const char* model : {"triple", "negative", "same"}) {
    const inference::ModelStatistics statistics = running_->Statistics(model);
    EXPECT_LT(statistics.execution_count(), statistics.inference_stats().success().count())
        << model << ": without batches nothing has been tested";
  }
  EXPECT_EQ(running_->Metric("beak_executed_late_total"), 0);
  EXPECT_TRUE(Eventually([&] { return running_->Metric("beak_queue_rows") == 0; }));
  EXPECT_TRUE(Eventually([&] { return running_->Metric("beak_lanes_busy") == 0; }));
}

// ---------------------------------------------------------------- the same bits

constexpr size_t kConvElements = 3 * 16 * 16;
constexpr int64_t kClasses = 10;

// A request to a ConvNetwork that has `row` at one place and rows at random at the others.
inference::ModelInferRequest ConvRequest(const std::vector<float>& row, int64_t rows, int64_t place,
                                         std::mt19937& random) {
  std::normal_distribution<float> normal;
  std::vector<float> values(static_cast<size_t>(rows) * kConvElements);
  for (float& value : values) value = normal(random);
  std::copy(row.begin(), row.end(), values.begin() + place * static_cast<int64_t>(kConvElements));
  return FloatRequest("conv", {rows, 3, 16, 16}, values);
}

// The bytes that the answer has for one row.
std::string AnswerFor(InferenceStub& stub, const inference::ModelInferRequest& request, int64_t place) {
  inference::ModelInferResponse response;
  const grpc::Status status = Infer(stub, request, &response);
  EXPECT_TRUE(status.ok()) << status.error_message();
  if (!status.ok()) return "";
  constexpr size_t kBytes = kClasses * sizeof(float);
  return response.raw_output_contents(0).substr(static_cast<size_t>(place) * kBytes, kBytes);
}

TEST(SameBitsTest, ARowHasOneAnswerWhateverItIsBatchedWith) {
  const testing::TempDir dir;
  dir.Write("conv/1/model.onnx", testing::ConvNetwork());
  dir.Write("conv/config.pbtxt", "max_batch_size: 8");
  ServerConfig config;
  config.model_repository = dir.path();
  config.threads = 2;

  std::mt19937 random(7);
  std::normal_distribution<float> normal;
  std::vector<float> row(kConvElements);
  for (float& value : row) value = normal(random);
  std::string alone;
  for (const bool first_start : {true, false}) {
    RunningServer running(config);
    const std::string again = AnswerFor(*running.stub, ConvRequest(row, 1, 0, random), 0);
    if (first_start) alone = again;
    ASSERT_EQ(alone.size(), kClasses * sizeof(float));
    EXPECT_EQ(again, alone) << "after a restart";
    for (const int64_t rows : {5, 8, 19}) {  // 19: in several batches
      for (const int64_t place : {int64_t{0}, rows / 2, rows - 1}) {
        EXPECT_EQ(AnswerFor(*running.stub, ConvRequest(row, rows, place, random), place), alone)
            << place << "/" << rows;
      }
    }

    std::atomic<int> different{0};
    std::vector<std::thread> clients;
    for (uint32_t client = 0; client < 8; ++client) {
      clients.emplace_back([&, client] {
        const auto stub = running.NewStub();
        std::mt19937 own(client);
        for (int i = 0; i < 40; ++i) {
          const int64_t rows = 1 + own() % 3;
          const int64_t place = own() % rows;
          if (AnswerFor(*stub, ConvRequest(row, rows, place, own), place) != alone) ++different;
        }
      });
    }
    for (std::thread& client : clients) client.join();
    EXPECT_EQ(different, 0);
    std::set<uint64_t> sizes;
    const inference::ModelStatistics statistics = running.Statistics("conv");
    for (const auto& batch : statistics.batch_stats()) sizes.insert(batch.batch_size());
    EXPECT_GE(sizes.size(), 4u) << "batches of different sizes, or nothing has been tested";
  }
}

}  // namespace
}  // namespace beak
