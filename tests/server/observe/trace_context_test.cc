#include "server/observe/trace_context.h"

#include <gtest/gtest.h>

#include <string>

namespace beak {
namespace {

const std::string kExample = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

TEST(TraceContextTest, ReadsTheStandardsExample) {
  const std::optional<TraceContext> context = ParseTraceparent(kExample);
  ASSERT_TRUE(context);
  EXPECT_EQ(context->TraceIdText(), "0af7651916cd43dd8448eb211c80319c");
  EXPECT_EQ(context->trace_id[0], 0x0a);
  EXPECT_EQ(context->trace_id[15], 0x9c);
  EXPECT_EQ(context->parent_id[0], 0xb7);
  EXPECT_EQ(context->parent_id[7], 0x31);
  EXPECT_TRUE(context->sampled());
  EXPECT_EQ(FormatTraceparent(*context), kExample);
}

TEST(TraceContextTest, OtherFlagsAreKept) {
  const std::optional<TraceContext> context =
      ParseTraceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-fe");
  ASSERT_TRUE(context);
  EXPECT_FALSE(context->sampled());
  EXPECT_EQ(context->flags, 0xfe);
}

TEST(TraceContextTest, ALaterVersionMayGoOn) {
  const std::string later = "cc" + kExample.substr(2);
  EXPECT_EQ(ParseTraceparent(later), ParseTraceparent(kExample));
  EXPECT_EQ(ParseTraceparent(later + "-what.comes"), ParseTraceparent(kExample));
  EXPECT_EQ(ParseTraceparent(later + "-"), ParseTraceparent(kExample));
  EXPECT_FALSE(ParseTraceparent(later + ".what.comes"));
}

TEST(TraceContextTest, AnythingElseIsIgnored) {
  const std::string cases[] = {
      "",
      "00",
      kExample.substr(0, 54),
      kExample + "-",
      kExample + "0",
      " " + kExample,
      kExample + " ",
      "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
      "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
      "00-00000000000000000000000000000000-b7ad6b7169203331-01",
      "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
      "00-0af7651916cd43dd8448eb211c80319g-b7ad6b7169203331-01",
      "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0g",
      "0x-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
      "00_0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
      "00-0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331-01",
      "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331_01",
      "00-0af7651916cd43dd8448eb211c80319-cb7ad6b7169203331-01",
      std::string(55, '\0'),
      std::string(1 << 20, '-'),
  };
  for (const std::string& header : cases) EXPECT_FALSE(ParseTraceparent(header)) << header.substr(0, 80);
}

}  // namespace
}  // namespace beak
