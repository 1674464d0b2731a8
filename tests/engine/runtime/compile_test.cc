#include "engine/runtime/compile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "engine/onednn/backend.h"
#include "engine/passes/passes.h"
#include "tests/engine/support/run_graph.h"
#include "tests/support/status_matchers.h"

namespace beak {
namespace {

using ::beak::testing::IsOk;
using ::beak::testing::Parse;
using ::beak::testing::RandomizeConstants;
using ::beak::testing::RandomTensor;
using ::beak::testing::RunGraph;
using ::beak::testing::SameBits;
using ::beak::testing::StatusIs;
using ::testing::HasSubstr;

constexpr char kConvolutions[] = R"(
graph g
input x float32 [batch, 3, 20, 20]
const w1 float32 [40, 3, 3, 3] = fill 0.1
const w2 float32 [40, 40, 3, 3] = fill 0.1
const w3 float32 [32, 16000] = fill 0.1
a = Conv(x, w1) {pads = [1, 1, 1, 1]}
b = Relu(a)
c = Conv(b, w2) {pads = [1, 1, 1, 1]}
d = Add(c, b)
e = Relu(d)
f = Flatten(e)
y = Gemm(f, w3) {transB = 1}
output y
)";

std::shared_ptr<const Program> CompileText(const std::string& text, const std::vector<Shape>& shapes, int threads = 1) {
  Graph graph = Parse(text);
  EXPECT_THAT(RunPublishPasses(graph, CpuBackend().evaluate), IsOk());
  ConstantStore store(graph);
  auto program = Compile(graph, {shapes, threads}, CpuBackend(), store);
  EXPECT_THAT(program, IsOk());
  return *program;
}

TEST(CompileTest, AProgramKnowsItsOperandsAndItsArithmetic) {
  const auto program = CompileText(kConvolutions, {{2, 3, 20, 20}});
  ASSERT_EQ(program->inputs().size(), 1u);
  EXPECT_EQ(program->inputs()[0].name, "x");
  EXPECT_EQ(program->inputs()[0].shape, (Shape{2, 3, 20, 20}));
  EXPECT_EQ(program->outputs()[0].shape, (Shape{2, 32}));
  EXPECT_EQ(program->flops(), 2.0 * 2 * (400 * 40 * 27 + 400 * 40 * 360 + 16000 * 32));
}

TEST(CompileTest, MemoryIsReused) {
  // Twenty activations of the same size one after the other need two places, not twenty.
  std::string text = "graph g\ninput x0 float32 [1, 1000]\nconst one float32 [1, 1] = {1.5}\n";
  for (int i = 0; i < 20; ++i) {
    const std::string from = std::to_string(i), to = std::to_string(i + 1);
    text += "x" + to + " = " + (i % 2 == 0 ? "Neg(x" + from + ")" : "Add(x" + from + ", one)") + "\n";
  }
  const auto program = CompileText(text + "output x20\n", {{1, 1000}});
  EXPECT_LE(program->workspace_bytes(), 3 * 4096u);
}

TEST(CompileTest, PackedWeightsAreSharedBetweenPrograms) {
  Graph graph = Parse(kConvolutions);
  ASSERT_THAT(RunPublishPasses(graph, CpuBackend().evaluate), IsOk());
  ConstantStore store(graph);
  const int64_t plain_bytes = store.byte_size();
  const auto one = Compile(graph, {{{1, 3, 20, 20}}, 1}, CpuBackend(), store);
  const auto four = Compile(graph, {{{4, 3, 20, 20}}, 1}, CpuBackend(), store);
  ASSERT_THAT(one, IsOk());
  ASSERT_THAT(four, IsOk());
  store.DropUnused();
  // Padding of channels to blocks of 16 may cost a little; a second copy would cost everything again.
  EXPECT_LE(store.byte_size(), plain_bytes * 3 / 2);
  int shared = 0;
  for (size_t i = 0; i < (*one)->steps().size(); ++i) {
    const auto& a = (*one)->steps()[i].inputs;
    const auto& b = (*four)->steps()[i].inputs;
    if (a.size() > 1 && a[1].constant != nullptr && a[1].constant == b[1].constant) ++shared;
  }
  EXPECT_EQ(shared, 3) << "two convolutions and one product";
}

TEST(CompileTest, AnActivationThatIsStillNeededIsNotOverwritten) {
  // x is the residual, the convolution's own input and an output: the sum must go to a copy.
  Graph graph = Parse(R"(
graph g
input x float32 [n, 16, 8, 8]
const w float32 [16, 16, 3, 3] = fill 0.1
a = Relu(x)
b = Conv(a, w) {pads = [1, 1, 1, 1]}
c = Add(b, a)
d = Add(c, a)
output d
output a
)");
  RandomizeConstants(graph, 3);
  const std::vector<Tensor> inputs = {RandomTensor({2, 16, 8, 8}, 1)};
  const auto actual = RunGraph(graph, inputs, CpuBackend());
  const auto expected = RunGraph(graph, inputs, ReferenceBackend(), {.publish = false});
  ASSERT_THAT(actual, IsOk());
  ASSERT_THAT(expected, IsOk());
  for (int i = 0; i < 2; ++i) EXPECT_LE(testing::Disagreement((*actual)[i], (*expected)[i], 1e-4, 1e-4), 1.0) << i;
}

TEST(CompileTest, OutputsMayBeInputsConstantsAndViews) {
  const auto outputs = RunGraph(Parse(R"(
graph g
input x float32 [2, 3]
const k float32 [2] = {5, 6}
const s int64 [1] = {6}
y = Reshape(x, s)
output x
output k
output y
)"),
                                {Tensor::Of<float>({2, 3}, {1, 2, 3, 4, 5, 6})}, CpuBackend());
  ASSERT_THAT(outputs, IsOk());
  EXPECT_TRUE(SameBits((*outputs)[0], Tensor::Of<float>({2, 3}, {1, 2, 3, 4, 5, 6})));
  EXPECT_TRUE(SameBits((*outputs)[1], Tensor::Of<float>({2}, {5, 6})));
  EXPECT_TRUE(SameBits((*outputs)[2], Tensor::Of<float>({6}, {1, 2, 3, 4, 5, 6})));
}

TEST(CompileTest, RunsEndBetweenStepsWhenCancelled) {
  const auto program = CompileText(kConvolutions, {{1, 3, 20, 20}});
  const auto workspace = program->CreateWorkspace();
  CancelToken cancel;
  cancel.Cancel();
  EXPECT_THAT(program->Run(*workspace, {.stop = &cancel}), StatusIs(absl::StatusCode::kCancelled));
}

// Stops nothing, and remembers what it was told.
class ProgressRecorder final : public StopCondition {
 public:
  bool ShouldStop(double done) const override {
    done_.push_back(done);
    return false;
  }
  const std::vector<double>& done() const { return done_; }

 private:
  mutable std::vector<double> done_;
};

TEST(CompileTest, RunsTellHowMuchOfTheWorkIsBehind) {
  const auto program = CompileText(kConvolutions, {{1, 3, 20, 20}});
  const auto workspace = program->CreateWorkspace();
  ProgressRecorder recorder;
  ASSERT_THAT(program->Run(*workspace, {.stop = &recorder}), IsOk());
  const std::vector<double>& done = recorder.done();
  ASSERT_EQ(done.size(), program->steps().size());
  EXPECT_EQ(done.front(), 0);
  EXPECT_LT(done.back(), 1);
  EXPECT_TRUE(std::is_sorted(done.begin(), done.end()));
  // What computes most moves it most.
  const auto& steps = program->steps();
  const auto flops = [](const Program::Step& a, const Program::Step& b) { return a.flops < b.flops; };
  const auto heaviest = static_cast<size_t>(std::max_element(steps.begin(), steps.end(), flops) - steps.begin());
  const double end = heaviest + 1 < done.size() ? done[heaviest + 1] : 1;
  EXPECT_GT(end - done[heaviest], 0.3);
}

TEST(CompileTest, WrongShapesAreRefused) {
  Graph graph = Parse(kConvolutions);
  ASSERT_THAT(RunPublishPasses(graph, CpuBackend().evaluate), IsOk());
  ConstantStore store(graph);
  EXPECT_THAT(Compile(graph, {{}, 1}, CpuBackend(), store), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Compile(graph, {{{1, 4, 20, 20}}, 1}, CpuBackend(), store), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Compile(graph, {{{1 << 20, 3, 20, 20}}, 1}, CpuBackend(), store),
              StatusIs(absl::StatusCode::kResourceExhausted));
}

TEST(CompileTest, ANodeThatNoKernelTakesIsNamedWithTheReasons) {
  Graph graph = Parse("graph g\ninput x float32 [2]\ny = Relu(x)\noutput y\n");
  graph.mutable_nodes()[0].name = "the_node";
  Backend none;
  none.evaluate = CpuBackend().evaluate;
  none.kernels["Relu"].push_back({"stubborn", [](const KernelRequest&) -> absl::StatusOr<KernelPlan> {
                                    return absl::UnimplementedError("not on Tuesdays");
                                  }});
  ConstantStore store(graph);
  EXPECT_THAT(Compile(graph, {{{2}}, 1}, none, store),
              StatusIs(absl::StatusCode::kUnimplemented,
                       ::testing::AllOf(HasSubstr("the_node"), HasSubstr("stubborn: not on Tuesdays"))));
}

}  // namespace
}  // namespace beak
