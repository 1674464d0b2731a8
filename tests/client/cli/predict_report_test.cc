#include "client/cli/predict_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "nlohmann/json.hpp"

namespace beak::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

PredictReport ClassReport() {
  OutputReport output;
  output.name = "scores";
  output.classes = {{{0.75, 7, "seven"}, {0.25, 1, ""}}, {{1, 2, "two"}}};
  return {"mnist", {{{"a.png", "b.png"}, "3", 2.5, {output}}}};
}

PredictReport TensorReport(const Tensor& tensor) {
  OutputReport output;
  output.name = "y";
  output.tensor = tensor;
  return {"m", {{{}, "1", 1, {output}}}};
}

TEST(PredictReportTest, TextShowsClassesPictureByPicture) {
  EXPECT_EQ(ToText(ClassReport()),
            "a.png: scores\n"
            "        0.75  7  seven\n"
            "        0.25  1\n"
            "b.png: scores\n"
            "           1  2  two\n"
            "mnist version 3: 1 request, 2.50 ms\n");
}

TEST(PredictReportTest, TextGivesTheMeanOfSeveralRequests) {
  PredictReport report = ClassReport();
  report.requests.push_back(report.requests[0]);
  report.requests[1].milliseconds = 3.5;
  EXPECT_THAT(ToText(report), HasSubstr("2 requests, 3.00 ms each\n"));
}

TEST(PredictReportTest, TextSumsTensorsUp) {
  EXPECT_THAT(ToText(TensorReport(Tensor::Of<float>({1, 2}, {1, 2.5f}))), HasSubstr("y  float32 [1, 2] 1 2.5\n"));
  std::vector<float> values(100, 1);
  values[3] = 5;
  values[4] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THAT(ToText(TensorReport(Tensor::Of<float>({100}, values))),
              HasSubstr("y  float32 [100]  min 1  mean 1.0404  max 5  not finite 1\n"));
}

TEST(PredictReportTest, TextSaysWhereATensorWent) {
  PredictReport report = TensorReport(Tensor::Of<float>({1}, {1}));
  report.requests[0].outputs[0].written_to = "y.npy";
  EXPECT_THAT(ToText(report), HasSubstr("written to y.npy"));
}

TEST(PredictReportTest, JsonHoldsClasses) {
  const nlohmann::json json = nlohmann::json::parse(ToJson(ClassReport()));
  EXPECT_EQ(json["model"], "mnist");
  const nlohmann::json& request = json["requests"][0];
  EXPECT_EQ(request["version"], "3");
  EXPECT_EQ(request["milliseconds"], 2.5);
  EXPECT_THAT(request["files"], ElementsAre("a.png", "b.png"));
  EXPECT_EQ(request["outputs"][0]["name"], "scores");
  EXPECT_EQ(request["outputs"][0]["classes"][0][0]["label"], "seven");
  EXPECT_EQ(request["outputs"][0]["classes"][0][1]["index"], 1);
  EXPECT_FALSE(request["outputs"][0]["classes"][0][1].contains("label"));
}

TEST(PredictReportTest, JsonHoldsSmallTensorsOfEveryKind) {
  const nlohmann::json floats =
      nlohmann::json::parse(ToJson(TensorReport(Tensor::Of<float>({2}, {1, 2.5f}))))["requests"][0]["outputs"][0];
  EXPECT_EQ(floats["datatype"], "float32");
  EXPECT_THAT(floats["shape"], ElementsAre(2));
  EXPECT_THAT(floats["data"], ElementsAre(1, 2.5));
  const int64_t large = (int64_t{1} << 53) + 1;
  EXPECT_THAT(ToJson(TensorReport(Tensor::Of<int64_t>({1}, {large}))), HasSubstr("9007199254740993"));
  EXPECT_THAT(ToJson(TensorReport(*CastTo(Tensor::Of<float>({1}, {0.5f}), DType::kFloat16))), HasSubstr("0.5"));
  EXPECT_THAT(ToJson(TensorReport(Tensor::Of<bool>({1}, {true}))), HasSubstr("true"));
}

TEST(PredictReportTest, JsonLeavesLargeTensorsOut) {
  const std::string text = ToJson(TensorReport(Tensor::Of<float>({2000}, std::vector<float>(2000, 1))));
  const nlohmann::json output = nlohmann::json::parse(text)["requests"][0]["outputs"][0];
  EXPECT_FALSE(output.contains("data"));
  EXPECT_EQ(output["mean"], 1);
}

TEST(PredictReportTest, NamesThatAreNoUtf8DoNotBreakJson) {
  PredictReport report = ClassReport();
  report.requests[0].outputs[0].classes[0][0].label = "\xff\xfe";
  EXPECT_TRUE(nlohmann::json::accept(ToJson(report)));
}

}  // namespace
}  // namespace beak::cli
