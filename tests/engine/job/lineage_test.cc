#include "engine/job/lineage.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

namespace beak {
namespace {

using Json = nlohmann::json;

TEST(LineageTextTest, TellsWhereANetworkComesFrom) {
  Lineage lineage;
  lineage.spec.set_model("digits");
  lineage.spec.mutable_training()->set_seed(18446744073709551615u);
  lineage.result.set_data_digest("d1");
  lineage.result.set_held_out_digest("d2");
  lineage.result.mutable_held_out()->set_samples(7);
  lineage.result.mutable_held_out()->set_accuracy(0.1);
  lineage.result.add_class_score()->set_name("seven");
  lineage.result.add_notice("sample 3 is left out");
  v1::EpochReport epoch;
  epoch.set_epoch(2);
  epoch.mutable_training()->set_loss(std::nan(""));
  lineage.epochs = {v1::EpochReport(), epoch};
  lineage.training_samples = 100;
  lineage.threads = 2;
  lineage.code = {{"version", "not \xff UTF-8"}};
  lineage.parent_file = "old.onnx";
  lineage.parent_sha256 = "p";
  lineage.model_sha256 = "m";

  const Json json = Json::parse(LineageText(lineage));
  EXPECT_EQ(json["model"], "digits");
  EXPECT_EQ(json["model_sha256"], "m");
  EXPECT_EQ(json["parent"]["sha256"], "p");
  EXPECT_EQ(json["seed"].get<uint64_t>(), 18446744073709551615u);
  EXPECT_EQ(json["data"]["training_sha256"], "d1");
  EXPECT_EQ(json["data"]["held_out_sha256"], "d2");
  EXPECT_EQ(json["data"]["training_samples"], 100);
  EXPECT_EQ(json["held_out"]["accuracy"], 0.1);
  EXPECT_EQ(json["classes"][0]["name"], "seven");
  EXPECT_EQ(json["epochs"].size(), 2u);
  EXPECT_TRUE(json["epochs"][1]["training"]["loss"].is_null());
  EXPECT_FALSE(json["epochs"][1].contains("held_out"));
  EXPECT_EQ(json["notices"][0], "sample 3 is left out");
  v1::TrainJobSpec spec;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(json["job"].get<std::string>(), &spec));
  EXPECT_EQ(spec.SerializeAsString(), lineage.spec.SerializeAsString()) << "it can be run again";
}

}  // namespace
}  // namespace beak
