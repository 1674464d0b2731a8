#include "engine/io/npz.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/io/npy.h"
#include "tests/engine/io/zip_files.h"
#include "tests/support/status_matchers.h"

namespace beak {
namespace {

using ::beak::testing::StatusIs;
using ::beak::testing::ZipOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr int64_t kMax = 1 << 20;
const std::string kX = FormatNpy(Tensor::Of<float>({2, 1}, {1.5f, -2}));
const std::string kY = FormatNpy(Tensor::Of<int64_t>({2}, {3, 4}));

TEST(ParseNpzTest, ReadsArraysInTheirOrder) {
  for (const bool deflate : {false, true}) {
    ASSERT_OK_AND_ASSIGN(const std::vector<NamedArray> arrays,
                         ParseNpz(ZipOf({{"x.npy", kX}, {"a/y.npy", kY}}, deflate), kMax));
    ASSERT_EQ(arrays.size(), 2u);
    EXPECT_EQ(arrays[0].name, "x");
    EXPECT_THAT(arrays[0].tensor.values<float>(), ElementsAre(1.5f, -2));
    EXPECT_EQ(arrays[1].name, "a/y");
    EXPECT_THAT(arrays[1].tensor.values<int64_t>(), ElementsAre(3, 4));
  }
}

TEST(ParseNpzTest, SaysWhichArrayIsWrong) {
  EXPECT_THAT(ParseNpz(ZipOf({{"x.npy", kX}, {"y.npy", kY.substr(0, 100)}}), kMax),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("npz: 'y.npy': npy: ")));
  EXPECT_THAT(ParseNpz(ZipOf({{"x.txt", kX}}), kMax),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("got 'x.txt'")));
  EXPECT_THAT(ParseNpz("x", kMax), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("npz: zip: ")));
}

TEST(ParseNpzTest, TheLimitIsForAllArraysTogether) {
  const std::string file = ZipOf({{"x.npy", kX}, {"y.npy", kY}});
  const int64_t bytes = static_cast<int64_t>(kX.size() + kY.size());
  EXPECT_OK(ParseNpz(file, bytes));
  EXPECT_THAT(ParseNpz(file, bytes - 1), StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("'y.npy'")));
}

// What numpy.savez_compressed writes for x = numpy.arange(3, dtype="u1"): with sizes of 64 bits in the local header.
TEST(ParseNpzTest, ReadsWhatNumpyWrites) {
  const std::string file = std::string(
      "\120\113\003\004\055\000\000\000\010\000\000\000\041\000\110\352\146\354\377\377\377\377\377\377"
      "\377\377\005\000\024\000\170\056\156\160\171\001\000\020\000\203\000\000\000\000\000\000\000\107"
      "\000\000\000\000\000\000\000\233\354\027\352\033\020\311\310\120\306\120\255\236\222\132\234\134"
      "\244\156\245\240\136\123\152\250\256\243\240\236\226\137\124\122\224\230\027\237\137\224\222\012"
      "\022\167\113\314\051\116\005\212\027\147\044\026\244\002\371\032\306\072\232\072\012\265\012\024"
      "\000\056\006\106\046\000\120\113\001\002\055\003\055\000\000\000\010\000\000\000\041\000\110\352"
      "\146\354\107\000\000\000\203\000\000\000\005\000\000\000\000\000\000\000\000\000\000\000\200\001"
      "\000\000\000\000\170\056\156\160\171\120\113\005\006\000\000\000\000\001\000\001\000\063\000\000"
      "\000\176\000\000\000\000\000",
      199);
  ASSERT_OK_AND_ASSIGN(const std::vector<NamedArray> arrays, ParseNpz(file, kMax));
  ASSERT_EQ(arrays.size(), 1u);
  EXPECT_EQ(arrays[0].name, "x");
  EXPECT_THAT(arrays[0].tensor.values<uint8_t>(), ElementsAre(0, 1, 2));
}

}  // namespace
}  // namespace beak
