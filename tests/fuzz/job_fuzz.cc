// A job from anyone: an error, or lines that each say which field is wrong, or a job whose transforms can be made.
#include <cstdint>
#include <string>

#include "engine/base/check.h"
#include "engine/job/data_transforms.h"
#include "engine/job/job_spec.h"
#include "google/protobuf/stubs/logging.h"
#include "proto/beak/v1/train.pb.h"

namespace {

// Each transform fits what comes before it or says why it does not.
void MakeStages(const std::vector<beak::data::Transform>& transforms, beak::data::Schema schema) {
  for (const beak::data::Transform& transform : transforms) {
    const absl::StatusOr<beak::data::Stage> stage = transform(schema);
    BEAK_CHECK(stage.ok() || !stage.status().message().empty());
    if (!stage.ok()) return;
    schema = stage->schema;
  }
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  google::protobuf::SetLogHandler(nullptr);  // it has a line to say on every text that is no UTF-8
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto spec = beak::ParseJob(std::string(reinterpret_cast<const char*>(data), size));
  if (!spec.ok()) {
    BEAK_CHECK(!spec.status().message().empty());
    return 0;
  }
  const std::vector<std::string> lines = beak::CheckSpec(*spec);
  for (const std::string& line : lines) {
    // What operators say of the layers of a network has many forms.
    BEAK_CHECK(line.find(": expected ") != std::string::npos || line.starts_with("network.description: "));
  }
  BEAK_CHECK(beak::CheckSpec(*spec) == lines);
  if (!beak::CheckDataSet(spec->data()).empty()) return 0;
  const beak::data::Schema schema = {
      {{"image", beak::DType::kUint8, {8, 6, 3}}, {"label", beak::DType::kInt64, {}, 4}}};
  const beak::DataTransforms transforms = beak::MakeTransforms(spec->data(), schema, {"label"});
  MakeStages(transforms.prepare, schema);
  MakeStages(transforms.augmented, schema);
  return 0;
}
