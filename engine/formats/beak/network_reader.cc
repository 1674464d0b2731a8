#include "engine/formats/beak/network_reader.h"

#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/text_format.h>

#include "engine/base/file.h"
#include "engine/base/status.h"
#include "proto/beak/v1/network.pb.h"

namespace beak {
namespace {

constexpr int kMaxTextDepth = 32;

// Keeps the first error; those that follow it are mostly its consequences. Nothing is printed.
class FirstError final : public google::protobuf::io::ErrorCollector {
 public:
  void AddError(int line, google::protobuf::io::ColumnNumber column, const std::string& message) override {
    if (status_.ok()) status_ = absl::InvalidArgumentError(absl::StrCat(line + 1, ":", column + 1, ": ", message));
  }
  void AddWarning(int, google::protobuf::io::ColumnNumber, const std::string&) override {}
  const absl::Status& status() const { return status_; }

 private:
  absl::Status status_;
};

}  // namespace

absl::StatusOr<v1::Network> ParseNetwork(const std::string& text) {
  if (text.size() > kMaxNetworkTextBytes) {
    return absl::ResourceExhaustedError(
        absl::StrCat("text: expected at most ", kMaxNetworkTextBytes, " bytes, got ", text.size()));
  }
  v1::Network network;
  FirstError errors;
  google::protobuf::TextFormat::Parser parser;
  parser.RecordErrorsTo(&errors);
  parser.SetRecursionLimit(kMaxTextDepth);
  google::protobuf::io::ArrayInputStream stream(text.data(), static_cast<int>(text.size()));
  const bool parsed = parser.Parse(&stream, &network);
  RETURN_IF_ERROR(errors.status());
  if (!parsed) return absl::InvalidArgumentError("expected text of a beak.v1.Network");
  return network;
}

absl::StatusOr<DescribedNetwork> ReadNetworkFile(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(path, kMaxNetworkTextBytes));
  const absl::StatusOr<v1::Network> description = ParseNetwork(text);
  if (!description.ok()) return Annotate(description.status(), absl::StrCat("'", path, "'"));
  absl::StatusOr<DescribedNetwork> network = BuildNetwork(*description);
  if (!network.ok()) return Annotate(network.status(), absl::StrCat("'", path, "'"));
  return network;
}

}  // namespace beak
