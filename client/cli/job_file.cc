#include "client/cli/job_file.h"

#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/text_format.h>

#include "absl/strings/str_cat.h"
#include "engine/base/file.h"
#include "engine/base/status.h"

namespace beak::cli {
namespace {

constexpr int64_t kMaxTextBytes = int64_t{16} << 20;
constexpr int kMaxTextDepth = 32;

// Keeps the first error; those that follow it are mostly its consequences. Nothing is printed.
class FirstError final : public google::protobuf::io::ErrorCollector {
 public:
  explicit FirstError(const std::string& path) : path_(path) {}

  void AddError(int line, google::protobuf::io::ColumnNumber column, const std::string& message) override {
    if (!status_.ok()) return;
    status_ = absl::InvalidArgumentError(absl::StrCat(path_, ":", line + 1, ":", column + 1, ": ", message));
  }
  void AddWarning(int, google::protobuf::io::ColumnNumber, const std::string&) override {}
  const absl::Status& status() const { return status_; }

 private:
  const std::string path_;
  absl::Status status_;
};

absl::Status ReadText(const std::string& path, google::protobuf::Message* message) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(path, kMaxTextBytes));
  FirstError errors(path);
  google::protobuf::TextFormat::Parser parser;
  parser.RecordErrorsTo(&errors);
  parser.SetRecursionLimit(kMaxTextDepth);
  google::protobuf::io::ArrayInputStream stream(text.data(), static_cast<int>(text.size()));
  const bool parsed = parser.Parse(&stream, message);
  RETURN_IF_ERROR(errors.status());
  if (parsed) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(path, ": expected text of a ", message->GetTypeName()));
}

// `path` as seen from the folder that `file` is in.
std::string Beside(const std::string& file, const std::string& path) {
  const size_t slash = file.rfind('/');
  if (slash == std::string::npos || (!path.empty() && path[0] == '/')) return path;
  return file.substr(0, slash + 1) + path;
}

}  // namespace

absl::StatusOr<v1::TrainJobSpec> ReadJobFile(const std::string& path) {
  v1::TrainJobSpec spec;
  RETURN_IF_ERROR(ReadText(path, &spec));
  if (!spec.network().has_description_file()) return spec;
  const std::string network = Beside(path, spec.network().description_file());
  RETURN_IF_ERROR(
      Annotate(ReadText(network, spec.mutable_network()->mutable_description()), "network.description_file"));
  return spec;
}

}  // namespace beak::cli
