#include "server/jobs/train_commands.h"

#include "absl/strings/str_cat.h"

namespace beak {
namespace {

// What a process needs besides what is planned: its code, stacks of threads, what allocators keep. The plan is held to
// the limit exactly; this is for where it is wrong.
int64_t DataLimit(const TrainSettings& settings) {
  constexpr int64_t kProcess = int64_t{256} << 20;
  constexpr int64_t kThread = int64_t{16} << 20;
  return settings.memory_limit_bytes + settings.memory_limit_bytes / 8 + kProcess + kThread * settings.threads;
}

TrainCommand Command(const TrainSettings& settings, const std::string& job_file, const std::string& served_file) {
  TrainCommand command = {settings.program, {job_file}};
  command.arguments.push_back(absl::StrCat("--data-dir=", settings.data_dir));
  command.arguments.push_back(absl::StrCat("--threads=", settings.threads));
  command.arguments.push_back(absl::StrCat("--code-version=", settings.code_version));
  if (!served_file.empty()) command.arguments.push_back(absl::StrCat("--served-model=", served_file));
  if (settings.memory_limit_bytes > 0) {
    command.arguments.push_back(absl::StrCat("--memory-limit-bytes=", settings.memory_limit_bytes));
    command.data_limit_bytes = DataLimit(settings);
  }
  return command;
}

}  // namespace

TrainCommand CheckCommand(const TrainSettings& settings, const std::string& job_file, const std::string& served_file) {
  TrainCommand command = Command(settings, job_file, served_file);
  command.arguments.push_back("--check");
  return command;
}

TrainCommand RunCommand(const TrainSettings& settings, const std::string& job_file, const std::string& folder,
                        const std::string& served_file, const std::string& compare_file) {
  TrainCommand command = Command(settings, job_file, served_file);
  command.arguments.push_back(absl::StrCat("--output=", folder));
  command.arguments.push_back("--resume");  // or begins, where there is nothing yet
  if (!compare_file.empty()) command.arguments.push_back(absl::StrCat("--compare=", compare_file));
  return command;
}

TrainSettings SettingsFor(const v1::TrainJobSpec& spec, TrainSettings settings) {
  if (spec.training().threads() > 0) settings.threads = spec.training().threads();
  return settings;
}

}  // namespace beak
