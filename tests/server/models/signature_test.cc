#include "server/models/signature.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proto/inference/model_config.pb.h"
#include "server/models/config.h"
#include "server/models/datatypes.h"
#include "tests/support/status_matchers.h"

namespace beak {
namespace {

using ::testing::ElementsAre;

TEST(SignatureTest, InputsComeInTheNetworksOrderOutputsInTheConfigurations) {
  const std::vector<TensorSpec> specs = {{"a", DType::kFloat32, {Dim::Symbol("n"), 4}},
                                         {"b", DType::kUint8, {Dim::Symbol("n"), 2, 3}}};
  ASSERT_OK_AND_ASSIGN(const ConfigFile file, ParseConfig(R"(input { name: "b" dims: [6] reshape { shape: [2, 3] } }
                                                             output { name: "b" } output { name: "a" })",
                                                          "test"));
  ASSERT_OK_AND_ASSIGN(const auto config, CompleteConfig(file, "m", specs, specs));
  const Signature signature = MakeSignature(*config, specs, specs);
  EXPECT_TRUE(signature.batched());
  ASSERT_EQ(signature.inputs.size(), 2u);
  EXPECT_EQ(signature.inputs[0].name, "a");
  EXPECT_EQ(signature.inputs[1].dtype, DType::kUint8);
  EXPECT_THAT(signature.inputs[1].dims, ElementsAre(6));
  EXPECT_THAT(signature.inputs[1].network_dims, ElementsAre(2, 3));
  ASSERT_EQ(signature.outputs.size(), 2u);
  EXPECT_EQ(signature.outputs[0].name, "b");
  EXPECT_EQ(signature.outputs[0].network_index, 1);
}

TEST(SignatureTest, MapDimsCarriesFreeSizesOver) {
  EXPECT_THAT(MapDims({2, 7, 6}, {2, kFreeDim, 6}, {2, kFreeDim, 2, 3}), ElementsAre(2, 7, 2, 3));
  EXPECT_THAT(MapDims({5, 9}, {kFreeDim, kFreeDim}, {kFreeDim, 1, kFreeDim}), ElementsAre(5, 1, 9));
  EXPECT_THAT(MapDims({1}, {1}, {}), ElementsAre());
}

TEST(DatatypesTest, TheTableIsOneToOne) {
  for (int data_type = inference::TYPE_BOOL; data_type <= inference::TYPE_BF16; ++data_type) {
    const std::optional<DType> dtype = DTypeFromProtocol(data_type);
    const std::string name = inference::DataType_Name(data_type);
    if (data_type == inference::TYPE_STRING || data_type == inference::TYPE_BF16) {
      EXPECT_EQ(dtype, std::nullopt) << name;
    } else {
      ASSERT_TRUE(dtype) << name;
      EXPECT_EQ(ToProtocol(*dtype), data_type);
      EXPECT_EQ("TYPE_" + std::string(ProtocolName(*dtype)), name);
    }
  }
  EXPECT_EQ(DTypeFromProtocol(inference::TYPE_INVALID), std::nullopt);
}

}  // namespace
}  // namespace beak
