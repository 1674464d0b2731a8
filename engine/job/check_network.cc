#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "engine/formats/beak/network_reader.h"
#include "engine/job/check_spec.h"
#include "engine/job/unknown_enums.h"
#include "proto/beak/v1/train.pb.h"

namespace beak {
namespace {

constexpr int64_t kMaxUnits = 1 << 24;
constexpr int kMaxPatterns = 1000;

// A description says all of it itself; only what exists already can be changed.
void CheckOfDescription(const v1::NetworkSource& network, std::vector<std::string>& lines) {
  const auto expect_none = [&lines](bool given, const char* field) {
    if (given) lines.push_back(absl::StrCat("network.", field, ": expected an ONNX file or a served model with it"));
  };
  expect_none(network.reinitialize(), "reinitialize");
  expect_none(network.has_head(), "head");
  expect_none(network.frozen_size() > 0, "frozen");
}

void CheckOfModel(const v1::NetworkSource& network, std::vector<std::string>& lines) {
  const int64_t units = network.head().units();
  if (units < 0 || units > kMaxUnits) {
    lines.push_back(absl::StrCat("network.head.units: expected 0 to ", kMaxUnits, ", got ", units));
  }
  if (network.frozen_size() > kMaxPatterns) {
    lines.push_back(absl::StrCat("network.frozen: expected at most ", kMaxPatterns, ", got ", network.frozen_size()));
  }
  for (int i = 0; i < network.frozen_size(); ++i) {
    if (network.frozen(i).empty()) lines.push_back(absl::StrCat("network.frozen[", i, "]: expected a name, got ''"));
  }
}

void CheckDescription(const v1::Network& description, std::vector<std::string>& lines) {
  const absl::Status status = BuildNetwork(description).status();
  if (status.ok()) return;
  AddLines("network.description: ", absl::StrSplit(std::string(status.message()), '\n'), lines);
}

void CheckFile(const char* field, const std::string& path, std::vector<std::string>& lines) {
  if (path.empty()) lines.push_back(absl::StrCat("network.", field, ": expected a path, got ''"));
}

void CheckServed(const v1::ServedModel& served, std::vector<std::string>& lines) {
  if (!IsModelName(served.name())) lines.push_back(BadModelName("network.served.name", served.name()));
  if (served.version() >= 0) return;
  lines.push_back(absl::StrCat("network.served.version: expected 0 or more, got ", served.version()));
}

}  // namespace

void CheckNetwork(const v1::TrainJobSpec& spec, std::vector<std::string>& lines) {
  const v1::NetworkSource& network = spec.network();
  FindUnknownEnums(network, "network", lines);
  switch (network.source_case()) {
    case v1::NetworkSource::kDescription:
      CheckDescription(network.description(), lines);
      return CheckOfDescription(network, lines);
    case v1::NetworkSource::kDescriptionFile:
      CheckFile("description_file", network.description_file(), lines);
      return CheckOfDescription(network, lines);
    case v1::NetworkSource::kOnnxFile:
      CheckFile("onnx_file", network.onnx_file(), lines);
      return CheckOfModel(network, lines);
    case v1::NetworkSource::kServed:
      CheckServed(network.served(), lines);
      return CheckOfModel(network, lines);
    case v1::NetworkSource::SOURCE_NOT_SET:
      lines.push_back("network: expected description, description_file, onnx_file or served, got none of them");
  }
}

}  // namespace beak
