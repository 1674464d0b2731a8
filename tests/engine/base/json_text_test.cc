#include "engine/base/json_text.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace beak {
namespace {

using std::string_view_literals::operator""sv;

const std::string kBad = "\xef\xbf\xbd";

TEST(JsonTextTest, EscapesWhatJsonReserves) {
  EXPECT_EQ(JsonEscaped("a\"b\\c"), R"(a\"b\\c)");
  EXPECT_EQ(JsonEscaped("\0\n\x1f\x7f"sv), R"(\u0000\u000a\u001f\u007f)");
  EXPECT_EQ(JsonEscaped(""), "");
  EXPECT_EQ(JsonQuoted("a/b"), R"("a/b")");
}

TEST(JsonTextTest, KeepsUtf8) {
  for (const std::string text : {"\xc3\xa9", "\xe2\x82\xac", "\xed\x9f\xbf", "\xee\x80\x80", "\xf0\x9f\x90\xa6",
                                 "\xf4\x8f\xbf\xbf", "a\xc2\x80z"}) {
    EXPECT_EQ(JsonEscaped(text), text);
  }
}

struct BadCase {
  const char* name;
  std::string bytes;
  std::string escaped;
};

TEST(JsonTextTest, ReplacesWhatIsNoUtf8) {
  const BadCase cases[] = {
      {"continuation alone", "a\x80z", "a" + kBad + "z"},
      {"cut at the end", "\xe2\x82", kBad + kBad},
      {"cut by a letter", "\xe2\x82z", kBad + kBad + "z"},
      {"cut by a quote", "\xc3\"", kBad + "\\\""},
      {"overlong slash", "\xc0\xaf", kBad + kBad},
      {"overlong in three bytes", "\xe0\x9f\xbf", kBad + kBad + kBad},
      {"overlong in four bytes", "\xf0\x8f\xbf\xbf", kBad + kBad + kBad + kBad},
      {"surrogate", "\xed\xa0\x80", kBad + kBad + kBad},
      {"beyond the last character", "\xf4\x90\x80\x80", kBad + kBad + kBad + kBad},
      {"never a byte of UTF-8", "\xff\xfe", kBad + kBad},
  };
  for (const BadCase& c : cases) EXPECT_EQ(JsonEscaped(c.bytes), c.escaped) << c.name;
}

}  // namespace
}  // namespace beak
