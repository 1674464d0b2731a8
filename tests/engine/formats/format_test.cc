#include "engine/formats/format.h"

#include <gtest/gtest.h>

#include "tests/engine/formats/onnx/model_builder.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace beak {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::IsOk;
using testing::ModelBuilder;
using testing::StatusIs;

TEST(ReadModelFileTest, ReadsOnnxWhateverItsName) {
  const testing::TempDir dir;
  const std::string path =
      dir.Write("network.bin", ModelBuilder(13).Input("x", {4}).Node("Relu", {"x"}, {"y"}).Output("y").Bytes());
  ASSERT_OK_AND_ASSIGN(const Graph graph, ReadModelFile(path));
  EXPECT_EQ(graph.nodes().size(), 1u);
}

TEST(ReadModelFileTest, FindsExternalDataBesideTheFile) {
  const testing::TempDir dir;
  dir.Write("models/weights", std::string(8, '\0'));
  onnx_schema::TensorProto tensor;
  tensor.set_data_type(testing::kOnnxFloat);
  tensor.add_dims(2);
  tensor.set_data_location(onnx_schema::TensorProto::EXTERNAL);
  tensor.add_external_data()->set_key("location");
  tensor.mutable_external_data(0)->set_value("weights");
  const std::string bytes = ModelBuilder(13).Initializer("w", tensor).Output("w").Bytes();
  EXPECT_THAT(ReadModelFile(dir.Write("models/m.onnx", bytes)), IsOk());
  EXPECT_THAT(ReadModelFile(dir.Write("m.onnx", bytes)),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("initializer 'w': external data 'weights'")));
}

TEST(ReadModelFileTest, ErrorsNameTheFile) {
  const testing::TempDir dir;
  EXPECT_THAT(ReadModelFile(dir / "missing"), StatusIs(absl::StatusCode::kNotFound, HasSubstr("missing")));
  EXPECT_THAT(ReadModelFile(dir.path()), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(dir.path())));
  EXPECT_THAT(ReadModelFile(dir.Write("text", "hello, world")),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("text")));
  EXPECT_THAT(ReadModelFile(dir.Write("empty", "")), StatusIs(absl::StatusCode::kDataLoss));
}

TEST(ReadModelFileTest, OtherFormatsAreNamed) {
  const testing::TempDir dir;
  const auto read = [&](const std::string& bytes) { return ReadModelFile(dir.Write("model", bytes)); };
  const auto is = [](const char* format) { return StatusIs(absl::StatusCode::kUnimplemented, HasSubstr(format)); };
  EXPECT_THAT(read("PK\x03\x04..."), is("PyTorch"));
  EXPECT_THAT(read("\x89HDF\r\n\x1a\n..."), is("HDF5"));
  EXPECT_THAT(read("....TFL3..."), is("TensorFlow Lite"));
}

}  // namespace
}  // namespace beak
