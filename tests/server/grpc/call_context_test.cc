#include "server/grpc/call_context.h"

#include <gtest/gtest.h>

#include <map>

namespace beak {
namespace {

constexpr char kParent[] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

using Metadata = std::multimap<grpc::string_ref, grpc::string_ref>;

TEST(CallContextTest, ReadsTheTrace) {
  const std::optional<TraceContext> trace = TraceContextOf(Metadata{{"a", "b"}, {"traceparent", kParent}, {"z", "y"}});
  ASSERT_TRUE(trace);
  EXPECT_EQ(FormatTraceparent(*trace), kParent);
}

TEST(CallContextTest, ATraceThatMakesNoSenseIsNone) {
  EXPECT_FALSE(TraceContextOf({}));
  EXPECT_FALSE(TraceContextOf(Metadata{{"traceparent", "00-x"}}));
  EXPECT_FALSE(TraceContextOf(Metadata{{"traceparent", kParent}, {"traceparent", kParent}}));
  EXPECT_FALSE(TraceContextOf(Metadata{{"tracestate", kParent}}));
}

}  // namespace
}  // namespace beak
