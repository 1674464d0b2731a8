#include <gtest/gtest.h>

#include <set>

#include "engine/ops/op.h"

namespace beak {
namespace {

TEST(RegistryTest, EveryRowIsFoundAndSound) {
  std::set<std::string> names;
  for (const Op& op : AllOps()) {
    EXPECT_TRUE(names.insert(op.name).second) << op.name << " is listed twice";
    EXPECT_EQ(FindOp(op.name), &op) << op.name;
    EXPECT_NE(op.infer, nullptr) << op.name;
    EXPECT_LE(op.min_inputs, op.max_inputs) << op.name;
    EXPECT_LE(op.min_outputs, op.max_outputs) << op.name;
    EXPECT_GE(op.min_outputs, 1) << op.name;
    std::set<std::string> attributes;
    for (const AttributeSpec& spec : op.attributes) {
      EXPECT_TRUE(attributes.insert(spec.name).second) << op.name << " has two attributes " << spec.name;
      EXPECT_TRUE(spec.legal.empty() || spec.type == AttributeType::kString) << op.name << " " << spec.name;
    }
  }
}

TEST(RegistryTest, HasTheOperatorsOfConvolutionalNetworks) {
  for (const char* name : {"Conv",
                           "ConvTranspose",
                           "MaxPool",
                           "AveragePool",
                           "GlobalAveragePool",
                           "GlobalMaxPool",
                           "BatchNormalization",
                           "LRN",
                           "Gemm",
                           "MatMul",
                           "Add",
                           "Sub",
                           "Mul",
                           "Div",
                           "Max",
                           "Min",
                           "Sum",
                           "Mean",
                           "Relu",
                           "LeakyRelu",
                           "PRelu",
                           "Elu",
                           "Selu",
                           "Sigmoid",
                           "HardSigmoid",
                           "HardSwish",
                           "Tanh",
                           "Softplus",
                           "Clip",
                           "Softmax",
                           "LogSoftmax",
                           "Dropout",
                           "Identity",
                           "ConstantOfShape",
                           "Shape",
                           "Reshape",
                           "Flatten",
                           "Transpose",
                           "Squeeze",
                           "Unsqueeze",
                           "Concat",
                           "Split",
                           "Slice",
                           "Gather",
                           "Pad",
                           "Cast",
                           "Exp",
                           "Log",
                           "Sqrt",
                           "Pow",
                           "Neg",
                           "Abs",
                           "ReduceMean",
                           "ReduceSum",
                           "ReduceMax",
                           "ArgMax",
                           "DepthToSpace",
                           "SpaceToDepth",
                           "Resize",
                           "Expand",
                           "Where",
                           "Equal",
                           "Tile",
                           "InstanceNormalization",
                           "LayerNormalization"}) {
    ASSERT_NE(FindOp(name), nullptr) << name;
    EXPECT_FALSE(FindOp(name)->internal) << name;
  }
}

TEST(RegistryTest, FusedOperatorsAreInternal) {
  for (const char* name : {"FusedConv", "FusedGemm"}) {
    ASSERT_NE(FindOp(name), nullptr) << name;
    EXPECT_TRUE(FindOp(name)->internal) << name;
  }
}

TEST(RegistryTest, KnowsNoOthers) {
  EXPECT_EQ(FindOp(""), nullptr);
  EXPECT_EQ(FindOp("conv"), nullptr);
  EXPECT_EQ(FindOp("Constant"), nullptr) << "constants are values, not nodes";
}

}  // namespace
}  // namespace beak
