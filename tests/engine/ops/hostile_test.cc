#include "tests/engine/ops/infer_text.h"

namespace beak {
namespace {

// Attributes, shapes and constants that no sane file has. Each must be refused with an error; none may overflow, divide
// by zero, hang or allocate much (the sanitizers watch).
class HostileTest : public ::testing::TestWithParam<const char*> {};

TEST_P(HostileTest, IsRefused) {
  const std::string inferred = InferText(GetParam(), "y", true);
  EXPECT_TRUE(
      inferred.rfind("INVALID_ARGUMENT: node 'y'", 0) == 0 || inferred.rfind("RESOURCE_EXHAUSTED: node 'y'", 0) == 0 ||
      inferred.rfind("INVALID_ARGUMENT: input 'x'", 0) == 0 || inferred.rfind("RESOURCE_EXHAUSTED: input 'x'", 0) == 0)
      << GetParam() << "\ngives: " << inferred;
}

#define IMAGE "input x float32 [1, 3, 8, 8]\n"
#define CONV IMAGE "const w float32 [3, 3, 3, 3] = fill 1\ny = Conv(x, w) "
#define TRANSPOSE IMAGE "const w float32 [3, 3, 3, 3] = fill 1\ny = ConvTranspose(x, w) "
#define POOL IMAGE "y = MaxPool(x) "
#define MIN "-9223372036854775808"
#define MAX "9223372036854775807"

INSTANTIATE_TEST_SUITE_P(
    Windows, HostileTest,
    ::testing::Values(
        CONV "{strides = [0, 1]}", CONV "{strides = [-1, 1]}", CONV "{strides = [" MIN ", 1]}",
        CONV "{strides = [" MAX ", 1]}", CONV "{strides = [1]}", CONV "{strides = [1, 1, 1]}",
        CONV "{dilations = [0, 1]}", CONV "{dilations = [" MAX ", 1]}", CONV "{dilations = [-1, 1]}",
        CONV "{pads = [-1, 0, 0, 0]}", CONV "{pads = [" MAX ", 0, " MAX ", 0]}", CONV "{pads = [" MIN ", 0, 0, 0]}",
        CONV "{pads = [1, 1]}", CONV "{pads = []}", CONV "{pads = [268435456, 268435456, 268435456, 268435456]}",
        CONV "{group = 0}", CONV "{group = -3}", CONV "{group = " MIN "}", CONV "{group = " MAX "}",
        CONV "{kernel_shape = [0, 0]}", CONV "{kernel_shape = []}", CONV "{kernel_shape = [" MAX ", 3]}",
        CONV "{auto_pad = \"\"}", CONV "{auto_pad = \"SAME\"}",
        IMAGE "const w float32 [3, 3, 0, 3] = fill 1\ny = Conv(x, w)",
        "input x float32 [1, 3, 0, 8]\nconst w float32 [3, 3, 1, 1] = fill 1\ny = Conv(x, w)",
        "input x float32 [1, 3, 0, 8]\nconst w float32 [3, 3, 1, 1] = fill 1\n"
        "y = Conv(x, w) {auto_pad = \"SAME_UPPER\"}",
        TRANSPOSE "{strides = [0, 1]}", TRANSPOSE "{strides = [268435456, 268435456]}",
        TRANSPOSE "{output_padding = [-1, 0]}", TRANSPOSE "{output_padding = [" MAX ", 0]}",
        TRANSPOSE "{output_shape = [0, 1]}", TRANSPOSE "{output_shape = [" MAX ", " MAX "]}",
        TRANSPOSE "{output_shape = [268435456, 268435456]}", TRANSPOSE "{output_shape = [8]}",
        TRANSPOSE "{pads = [5, 5, 5, 5]}", TRANSPOSE "{pads = [268435456, 0, 0, 0]}", TRANSPOSE "{group = 2}",
        "input x float32 [1, 3, 0, 8]\nconst w float32 [3, 3, 1, 1] = fill 1\ny = ConvTranspose(x, w)",
        POOL "{kernel_shape = [0, 1]}", POOL "{kernel_shape = [" MAX ", " MAX "]}", POOL "{kernel_shape = [-2, 1]}",
        POOL "{kernel_shape = [9, 9]}", POOL "{kernel_shape = [2, 2], strides = [0, 0]}",
        POOL "{dilations = [268435456, 268435456], kernel_shape = [268435456, 268435456]}",
        POOL "{kernel_shape = [2, 2], pads = [2, 2, 2, 2]}", POOL "{kernel_shape = [2, 2], pads = [-1, -1, -1, -1]}",
        POOL "{kernel_shape = [268435456, 268435456], "
             "pads = [268435455, 268435455, 268435455, 268435455]}"));

INSTANTIATE_TEST_SUITE_P(
    Sizes, HostileTest,
    ::testing::Values(
        "input x float32 [65536, 65536, 65536]\ny = Relu(x)", "input x float32 [" MAX ", " MAX "]\ny = Relu(x)",
        "input x float32 [0, " MAX ", " MAX "]\ny = Relu(x)",
        "input x float32 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\nconst a int64 [1] = {0}\n"
        "y = Unsqueeze(x, a)",
        "input x float32 [65536]\nconst s int64 [2] = {65536, 1}\nconst t int64 [2] = {65536, 65536}\n"
        "e = Reshape(x, s)\ny = Expand(e, t)",
        "input x float32 [2]\nconst s int64 [3] = {" MAX ", " MAX ", -1}\ny = Reshape(x, s)",
        "input x float32 [0]\nconst s int64 [3] = {" MAX ", " MAX ", 0}\ny = Reshape(x, s) {allowzero = 1}",
        "input x float32 [2]\nconst s int64 [2] = {-1, -1}\ny = Reshape(x, s)",
        "input x float32 [2]\nconst s int64 [1] = {-2}\ny = Reshape(x, s)",
        "input x float32 [2]\nconst s int64 [1] = {" MIN "}\ny = Reshape(x, s)",
        "input x float32 [2]\nconst s int64 [2] = {0, -1}\ny = Reshape(x, s) {allowzero = 1}",
        "input x float32 [0, 3]\nconst s int64 [2] = {0, -1}\nz = Reshape(x, s)\nconst t int64 [3] = {2, 0, -1}\n"
        "y = Reshape(z, t) {allowzero = 1}",
        "input x float32 [2]\nconst s int64 [1] = {" MAX "}\ny = Expand(x, s)",
        "input x float32 [1]\nconst s int64 [1] = {" MAX "}\ny = Expand(x, s)",
        "input x float32 [1]\nconst s int64 [1] = {" MIN "}\ny = Expand(x, s)",
        "input x float32 [2]\nconst s int64 [1] = {" MAX "}\ny = Tile(x, s)",
        "input x float32 [2]\nconst s int64 [1] = {-1}\ny = Tile(x, s)",
        "const s int64 [2] = {" MAX ", " MAX "}\ny = ConstantOfShape(s)",
        "const s int64 [2] = {0, " MAX "}\ny = ConstantOfShape(s)",
        "const s int64 [1] = {" MIN "}\ny = ConstantOfShape(s)", "const s int64 [300] = fill 1\ny = ConstantOfShape(s)",
        "const s int64 [17] = fill 1\ny = ConstantOfShape(s)",
        "input x float32 [2]\nconst p int64 [2] = {" MAX ", " MAX "}\ny = Pad(x, p)",
        "input x float32 [2]\nconst p int64 [2] = {" MIN ", " MIN "}\ny = Pad(x, p)",
        "input x float32 [2]\nconst p int64 [2] = {" MIN ", " MAX "}\ny = Pad(x, p)",
        "input x float32 [2]\nconst p int64 [2] = {1099511627776, 0}\ny = Pad(x, p)",
        "input x float32 [8]\nconst p int64 [2] = {-8, 8}\ny = Pad(x, p) {mode = \"edge\"}",
        "input x float32 [1, 1, 8, 8]\ny = DepthToSpace(x) {blocksize = 0}",
        "input x float32 [1, 1, 8, 8]\ny = DepthToSpace(x) {blocksize = " MIN "}",
        "input x float32 [1, 1, 8, 8]\ny = SpaceToDepth(x) {blocksize = " MAX "}",
        "input x float32 [1, 1, 8, 8]\ny = LRN(x) {size = " MIN "}"));

INSTANTIATE_TEST_SUITE_P(
    Lists, HostileTest,
    ::testing::Values(
        "input x float32 [8]\nconst a int64 [1] = {" MIN "}\ny = ReduceSum(x, a)",
        "input x float32 [8]\nconst a int64 [1] = {" MAX "}\ny = Squeeze(x, a)",
        "input x float32 [8]\nconst a int64 [2] = {0, 0}\ny = Unsqueeze(x, a)",
        "input x float32 [8]\nconst a int64 [100] = fill 0\ny = Unsqueeze(x, a)",
        "input x float32 [8]\ny = Flatten(x) {axis = " MIN "}", "input x float32 [8]\ny = Flatten(x) {axis = " MAX "}",
        "input x float32 [8]\ny = Softmax(x) {axis = " MIN "}", "input x float32 [8]\ny = ArgMax(x) {axis = " MAX "}",
        "input x float32 [8]\ny = Concat(x) {axis = " MIN "}",
        "input x float32 [8]\ny = Transpose(x) {perm = [" MIN "]}", "input x float32 [8]\ny = Transpose(x) {perm = []}",
        "input x float32 [8]\nconst i int64 [1] = {0}\ny = Gather(x, i) {axis = 1}",
        "input x float32 [8]\nconst s int64 [2] = {" MAX ", " MAX "}\ny, z = Split(x, s)",
        "input x float32 [8]\nconst s int64 [2] = {" MIN ", " MAX "}\ny, z = Split(x, s)",
        "input x float32 [0]\nconst s int64 [1] = {5}\ny = Split(x, s)",
        "input x float32 [8]\ny, z = Split(x) {num_outputs = 0}",
        "input x float32 [8]\ny, z = Split(x) {num_outputs = " MIN "}",
        "input x float32 [8]\nconst s int64 [1] = {0}\nconst t int64 [1] = {0}\ny = Slice(x, s, s, , t)",
        "input x float32 [8]\nconst s int64 [1] = {0}\nconst a int64 [1] = {" MIN "}\n"
        "y = Slice(x, s, s, a)",
        "input x float32 [8]\nconst s float32 [1] = {nan}\ny = Resize(x, , s)",
        "input x float32 [8]\nconst s float32 [1] = {inf}\ny = Resize(x, , s)",
        "input x float32 [8]\nconst s float32 [1] = {0}\ny = Resize(x, , s)",
        "input x float32 [8]\nconst s float32 [1] = {-1}\ny = Resize(x, , s)",
        "input x float32 [8]\nconst s float32 [1] = {1e-30}\ny = Resize(x, , s)",
        "input x float32 [8]\nconst s float32 [1] = {1e38}\ny = Resize(x, , s)",
        "input x float32 [8]\nconst s float32 [1] = {1e11}\ny = Resize(x, , s)",
        "input x float32 [0]\nconst s int64 [1] = {3}\ny = Resize(x, , , s)",
        "input x float32 [8]\nconst s int64 [1] = {" MAX "}\ny = Resize(x, , , s)",
        "input x float32 [8]\nconst s int64 [1] = {" MIN "}\ny = Resize(x, , , s)",
        "input x float32 [8]\nconst s int64 [1] = {3}\ny = Resize(x, , , s) {axes = [" MAX "]}",
        "input x float32 [8, 1]\nconst s int64 [2] = {1000000000000, 1000000000000}\n"
        "y = Resize(x, , , s) {keep_aspect_ratio_policy = \"not_smaller\"}",
        "input x float32 [8]\nconst r float32 [2] = {nan, inf}\nconst s float32 [1] = {1}\n"
        "y = Resize(x, r, s) {coordinate_transformation_mode = \"tf_crop_and_resize\"}",
        "input x float32 [8]\nconst r float32 [2] = {1, 0}\nconst s float32 [1] = {1}\n"
        "y = Resize(x, r, s) {coordinate_transformation_mode = \"tf_crop_and_resize\"}"));

#undef IMAGE
#undef CONV
#undef TRANSPOSE
#undef POOL
#undef MIN
#undef MAX

// Extremes that have a meaning must get it.
TEST(ExtremeTest, FarEndsOfASliceAreClamped) {
  EXPECT_EQ(InferText("input x float32 [8]\n"
                      "const s int64 [1] = {-9223372036854775808}\n"
                      "const e int64 [1] = {9223372036854775807}\n"
                      "const t int64 [1] = {9223372036854775807}\n"
                      "y = Slice(x, s, e, , t)"),
            "float32 [1]");
  EXPECT_EQ(InferText("input x float32 [8]\n"
                      "const s int64 [1] = {9223372036854775807}\n"
                      "const e int64 [1] = {-9223372036854775808}\n"
                      "const t int64 [1] = {-9223372036854775808}\n"
                      "y = Slice(x, s, e, , t)"),
            "float32 [1]");
  EXPECT_EQ(InferText("input x float32 [0]\n"
                      "const s int64 [1] = {9223372036854775807}\n"
                      "const e int64 [1] = {-9223372036854775808}\n"
                      "const t int64 [1] = {-1}\n"
                      "y = Slice(x, s, e, , t)"),
            "float32 [0]");
}

TEST(ExtremeTest, ShapeClampsItsEnds) {
  EXPECT_EQ(InferText("input x float32 [8, 2]\n"
                      "y = Shape(x) {start = -9223372036854775808, end = 9223372036854775807}"),
            "int64 [2]");
}

}  // namespace
}  // namespace beak
