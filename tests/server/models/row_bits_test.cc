#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "server/models/program_set.h"
#include "tests/server/support/networks.h"
#include "tests/server/support/programs.h"
#include "tests/support/status_matchers.h"

// A row's answer has the same bits whatever it is batched with, wherever it stands in the batch, and whichever program
// runs it: of the networks that Beak is for, at the programs that scheduling chooses from.
namespace beak {
namespace {

using Bits = std::vector<uint32_t>;  // not floats: -0 is not 0, and NaN is NaN

struct Network {
  const char* name;
  std::shared_ptr<Model> model;
  Shape row_shape;
};

constexpr int64_t kSizes[] = {1, 2, 4, 8};
constexpr int kThreads[] = {1, 2};

std::vector<float> RandomRow(const Shape& shape, uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  size_t size = 1;
  for (const int64_t dim : shape) size *= static_cast<size_t>(dim);
  std::vector<float> row(size);
  for (float& value : row) value = normal(random);
  return row;
}

// The answers of a program for so many rows, the last of which may be zeros that nobody asked for.
std::vector<Bits> Answers(ProgramSet& programs, const std::vector<std::vector<float>>& rows, int64_t program_rows,
                          int threads) {
  absl::StatusOr<WorkspaceLease> lease = programs.Acquire(program_rows, threads);
  EXPECT_OK(lease);
  std::vector<float> batch(rows[0].size() * static_cast<size_t>(program_rows));
  for (size_t r = 0; r < rows.size(); ++r) {
    std::copy(rows[r].begin(), rows[r].end(), batch.begin() + static_cast<ptrdiff_t>(r * rows[r].size()));
  }
  testing::WriteInput(*lease, 0, batch);
  EXPECT_OK(lease->Run(nullptr));
  const Bits all = testing::ReadOutput<uint32_t>(*lease, 0);
  const auto size = static_cast<ptrdiff_t>(all.size() / static_cast<size_t>(program_rows));
  std::vector<Bits> answers;
  for (size_t r = 0; r < rows.size(); ++r) {
    const auto begin = all.begin() + static_cast<ptrdiff_t>(r) * size;
    answers.emplace_back(begin, begin + size);
  }
  return answers;
}

class RowBitsTest : public ::testing::TestWithParam<const char*> {
 protected:
  static Network Load(const std::string& name) {
    if (name == "convolutions") return {"convolutions", testing::LoadNetwork(testing::ConvNetwork()), {3, 16, 16}};
    // Tests run in the folder of the sources.
    absl::StatusOr<std::shared_ptr<Model>> model = Model::Load("deploy/demo/models/mnist/1/model.onnx");
    EXPECT_OK(model);
    return {"mnist", *std::move(model), {1, 28, 28}};
  }
};

TEST_P(RowBitsTest, AreTheSameFromEveryProgramAtEveryPlace) {
  const Network network = Load(GetParam());
  ProgramSet programs(network.model, {network.row_shape}, true, 2);
  for (const int threads : kThreads) {
    for (const int64_t rows : kSizes) ASSERT_OK(programs.Prepare(rows, threads));
  }
  const std::vector<float> row = RandomRow(network.row_shape, 1);
  const Bits expected = Answers(programs, {row}, 1, 1)[0];
  ASSERT_NE(expected, Answers(programs, {RandomRow(network.row_shape, 2)}, 1, 1)[0]) << "rows can be told apart";
  for (const int threads : kThreads) {
    for (const int64_t program_rows : kSizes) {
      for (int64_t filled = 1; filled <= program_rows; ++filled) {
        for (int64_t place = 0; place < filled; ++place) {
          std::vector<std::vector<float>> rows;
          for (int64_t r = 0; r < filled; ++r) {
            rows.push_back(r == place ? row : RandomRow(network.row_shape, static_cast<uint32_t>(100 + r)));
          }
          ASSERT_EQ(Answers(programs, rows, program_rows, threads)[static_cast<size_t>(place)], expected)
              << "row " << place << " of " << filled << " in a program for " << program_rows << " on " << threads
              << " threads";
        }
      }
    }
  }
}

TEST_P(RowBitsTest, AreTheSameWhateverTheWorkspaceHeldBefore) {
  const Network network = Load(GetParam());
  ProgramSet programs(network.model, {network.row_shape}, true, 1);
  ASSERT_OK(programs.Prepare(4, 1));
  const std::vector<float> row = RandomRow(network.row_shape, 1);
  const Bits expected = Answers(programs, {row}, 4, 1)[0];
  const std::vector<float> extreme(row.size(), 1e30f);  // leaves infinities and NaN behind
  for (int round = 0; round < 3; ++round) {
    Answers(programs, {extreme, extreme, extreme, extreme}, 4, 1);
    EXPECT_EQ(Answers(programs, {row}, 4, 1)[0], expected);
    EXPECT_EQ(Answers(programs, {extreme, row, extreme, extreme}, 4, 1)[1], expected);
  }
}

INSTANTIATE_TEST_SUITE_P(Networks, RowBitsTest, ::testing::Values("convolutions", "mnist"),
                         [](const auto& test) { return std::string(test.param); });

}  // namespace
}  // namespace beak
