#include "client/cli/predict_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "engine/base/file.h"
#include "engine/io/npy.h"
#include "nlohmann/json.hpp"
#include "tests/client/fake_server.h"
#include "tests/engine/io/image_files.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace beak::cli {
namespace {

using ::beak::testing::EncodePng;
using ::beak::testing::FakeServer;
using ::beak::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A server with one model: pictures [n, 1, 2, 2] in, scores [n, 4] with labels and a map [n, 2, 2] out. The scores are
// the four pixels, the map is the picture.
class PredictTest : public ::testing::Test {
 protected:
  PredictTest() {
    server_.model_metadata = [](auto*, const auto&, auto* response) { return Metadata(response); };
    server_.model_config = [this](auto*, const auto&, auto* response) {
      *response->mutable_config() = config_;
      return grpc::Status::OK;
    };
    server_.infer = [this](auto*, const auto& request, auto* response) { return Infer(request, response); };
    config_.set_max_batch_size(2);
    flags_.connection.server = server_.address();
    flags_.model = "m";
  }

  static grpc::Status Metadata(inference::ModelMetadataResponse* response) {
    const auto set = [](auto* tensor, const char* name, std::initializer_list<int64_t> shape) {
      tensor->set_name(name);
      tensor->set_datatype("FP32");
      for (const int64_t dim : shape) tensor->add_shape(dim);
    };
    set(response->add_inputs(), "x", {-1, 1, 2, 2});
    set(response->add_outputs(), "scores", {-1, 4});
    set(response->add_outputs(), "map", {-1, 2, 2});
    return grpc::Status::OK;
  }

  grpc::Status Infer(const inference::ModelInferRequest& request, inference::ModelInferResponse* response) {
    requests_.push_back(request);
    response->set_model_name(request.model_name());
    response->set_model_version("9");
    const std::string& bytes = request.raw_input_contents(0);
    const int64_t rows = static_cast<int64_t>(bytes.size() / 16);
    for (const auto& wanted : request.outputs()) {
      auto* output = response->add_outputs();
      output->set_name(wanted.name());
      output->add_shape(rows);
      if (wanted.parameters().count("classification") > 0) {
        output->set_datatype("BYTES");
        output->add_shape(1);
        std::string* raw = response->add_raw_output_contents();
        for (int64_t row = 0; row < rows; ++row) raw->append(std::string("\x09\0\0\0", 4) + "0.5:3:cat");
      } else {
        output->set_datatype("FP32");
        for (const int64_t dim : wanted.name() == "map" ? std::vector<int64_t>{2, 2} : std::vector<int64_t>{4}) {
          output->add_shape(dim);
        }
        response->add_raw_output_contents(bytes);
      }
    }
    return grpc::Status::OK;
  }

  std::string Picture(const std::string& name, uint8_t value) {
    return dir_.Write(name, EncodePng(Raster{2, 2, 1, {value, 2, 3, 4}}));
  }

  nlohmann::json Json() {
    flags_.json = true;
    const absl::StatusOr<std::string> text = Predict(flags_);
    EXPECT_OK(text);
    return text.ok() ? nlohmann::json::parse(*text) : nlohmann::json();
  }

  FakeServer server_;
  testing::TempDir dir_;
  inference::ModelConfig config_;
  PredictFlags flags_;
  std::vector<inference::ModelInferRequest> requests_;
};

std::vector<float> Floats(const std::string& bytes) {
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

TEST_F(PredictTest, PrintsTheClassesOfAPicture) {
  flags_.images = {Picture("a.png", 1)};
  ASSERT_OK_AND_ASSIGN(const std::string text, Predict(flags_));
  EXPECT_THAT(text, HasSubstr("a.png: scores\n         0.5  3  cat\n"));
  EXPECT_THAT(text, HasSubstr("map  float32 [1, 2, 2] 1 2 3 4\n"));
  EXPECT_THAT(text, HasSubstr("m version 9: 1 request, "));
  ASSERT_EQ(requests_.size(), 1u);
  EXPECT_THAT(requests_[0].inputs(0).shape(), ElementsAre(1, 1, 2, 2));
  EXPECT_THAT(Floats(requests_[0].raw_input_contents(0)), ElementsAre(1, 2, 3, 4));
  EXPECT_EQ(requests_[0].outputs(0).parameters().at("classification").int64_param(), 4) << "no more than there are";
}

TEST_F(PredictTest, PicturesAreBatchedAsTheModelAllows) {
  flags_.images = {Picture("a.png", 1), Picture("b.png", 10), Picture("c.png", 20)};
  const nlohmann::json json = Json();
  ASSERT_EQ(requests_.size(), 2u);
  EXPECT_THAT(requests_[0].inputs(0).shape(), ElementsAre(2, 1, 2, 2));
  EXPECT_THAT(Floats(requests_[0].raw_input_contents(0)), ElementsAre(1, 2, 3, 4, 10, 2, 3, 4));
  EXPECT_THAT(requests_[1].inputs(0).shape(), ElementsAre(1, 1, 2, 2));
  EXPECT_EQ(json["requests"][0]["files"].size(), 2u);
  EXPECT_EQ(json["requests"][0]["outputs"][0]["classes"].size(), 2u);
  EXPECT_EQ(json["requests"][1]["version"], "9");
}

TEST_F(PredictTest, TheConfigurationSaysHowPicturesAreFitted) {
  (*config_.mutable_parameters())["image_mean"].set_string_value("1");
  (*config_.mutable_parameters())["image_scale"].set_string_value("2");
  (*config_.mutable_parameters())["unrelated"].set_string_value("x");
  flags_.images = {Picture("a.png", 1)};
  EXPECT_OK(Predict(flags_));
  EXPECT_THAT(Floats(requests_[0].raw_input_contents(0)), ElementsAre(0, 2, 4, 6));
}

TEST_F(PredictTest, FlagsOverrideTheConfiguration) {
  (*config_.mutable_parameters())["image_mean"].set_string_value("1");
  (*config_.mutable_parameters())["image_scale"].set_string_value("2");
  flags_.image_parameters = {{"image_mean", "0"}};
  flags_.images = {Picture("a.png", 1)};
  EXPECT_OK(Predict(flags_));
  EXPECT_THAT(Floats(requests_[0].raw_input_contents(0)), ElementsAre(2, 4, 6, 8));
}

TEST_F(PredictTest, ServersWithoutConfigurationsWillDo) {
  server_.model_config = nullptr;
  flags_.images = {Picture("a.png", 1)};
  EXPECT_OK(Predict(flags_));
}

TEST_F(PredictTest, ReadsAndWritesNpyFiles) {
  flags_.inputs = {"x=" + dir_.Write("x.npy", FormatNpy(Tensor::Of<float>({1, 1, 2, 2}, {5, 6, 7, 8})))};
  flags_.outputs = {"scores=" + (dir_ / "scores.npy")};
  ASSERT_OK_AND_ASSIGN(const std::string text, Predict(flags_));
  EXPECT_THAT(text, HasSubstr("written to"));
  ASSERT_OK_AND_ASSIGN(const std::string file, ReadFile(dir_ / "scores.npy", 1 << 20));
  ASSERT_OK_AND_ASSIGN(const Tensor scores, ParseNpy(file));
  EXPECT_THAT(scores.shape(), ElementsAre(1, 4));
  EXPECT_THAT(scores.values<float>(), ElementsAre(5, 6, 7, 8));
}

TEST_F(PredictTest, TopZeroLeavesTensorsAsTheyAre) {
  flags_.top = 0;
  flags_.images = {Picture("a.png", 1)};
  EXPECT_THAT(Json()["requests"][0]["outputs"][0]["data"], ElementsAre(1, 2, 3, 4));
}

TEST_F(PredictTest, LabelsAloneMakeClasses) {
  auto* output = config_.add_output();
  output->set_name("map");
  output->set_label_filename("labels.txt");
  flags_.images = {Picture("a.png", 1)};
  EXPECT_OK(Predict(flags_));
  EXPECT_EQ(requests_[0].outputs(1).parameters().at("classification").int64_param(), 5);
}

TEST_F(PredictTest, SaysWhatIsWrongWithFiles) {
  flags_.images = {dir_ / "none.png"};
  EXPECT_THAT(Predict(flags_), StatusIs(absl::StatusCode::kNotFound, HasSubstr("none.png")));
  flags_.images = {dir_.Write("bad.png", "not a picture")};
  EXPECT_THAT(Predict(flags_), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("bad.png: image: expected")));
  flags_.images = {};
  flags_.inputs = {"x=" + dir_.Write("bad.npy", "nonsense")};
  EXPECT_THAT(Predict(flags_), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("bad.npy: npy: expected")));
}

TEST_F(PredictTest, SaysWhatIsWrongWithNames) {
  flags_.images = {Picture("a.png", 1)};
  flags_.outputs = {"nothing=" + (dir_ / "y.npy")};
  EXPECT_THAT(Predict(flags_), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("no output 'nothing'")));
  flags_.outputs = {};
  flags_.inputs = {"x=" + dir_.Write("x.npy", FormatNpy(Tensor::Of<float>({1, 1, 2, 2}, {5, 6, 7, 8})))};
  EXPECT_THAT(Predict(flags_), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("--image: expected one input")));
}

TEST_F(PredictTest, OneFileTakesOneRequest) {
  flags_.images = {Picture("a.png", 1), Picture("b.png", 1), Picture("c.png", 1)};
  flags_.outputs = {"map=" + (dir_ / "y.npy")};
  EXPECT_THAT(Predict(flags_), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("got 2 requests")));
}

TEST_F(PredictTest, TheServersErrorsComeThrough) {
  server_.infer = [](auto*, const auto&, auto*) {
    return grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "no such luck");
  };
  flags_.images = {Picture("a.png", 1)};
  EXPECT_THAT(Predict(flags_), StatusIs(absl::StatusCode::kInvalidArgument, "no such luck"));
}

}  // namespace
}  // namespace beak::cli
