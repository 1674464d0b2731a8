#include "engine/formats/beak/parse_text.h"

#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/text_format.h>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"

namespace beak {
namespace {

constexpr int kMaxTextDepth = 32;

// Keeps the first error; those that follow it are mostly its consequences.
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

absl::Status ParseText(const std::string& text, int64_t max_bytes, google::protobuf::Message& message) {
  if (text.size() > static_cast<size_t>(max_bytes)) {
    return absl::ResourceExhaustedError(
        absl::StrCat("text: expected at most ", max_bytes, " bytes, got ", text.size()));
  }
  FirstError errors;
  google::protobuf::TextFormat::Parser parser;
  parser.RecordErrorsTo(&errors);
  parser.SetRecursionLimit(kMaxTextDepth);
  google::protobuf::io::ArrayInputStream stream(text.data(), static_cast<int>(text.size()));
  const bool parsed = parser.Parse(&stream, &message);
  RETURN_IF_ERROR(errors.status());
  if (parsed) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("expected text of a ", message.GetDescriptor()->full_name()));
}

}  // namespace beak
