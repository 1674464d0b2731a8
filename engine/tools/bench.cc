#include "engine/tools/bench.h"

#include <algorithm>
#include <chrono>
#include <numeric>
#include <vector>

#include "absl/strings/str_format.h"
#include "engine/base/clock.h"
#include "engine/base/process.h"
#include "engine/base/status.h"
#include "engine/tools/tensors.h"
#include "nlohmann/json.hpp"

namespace beak::tools {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kWarmUps = 2;
constexpr int kMinIterations = 10;
constexpr double kMinSeconds = 2;

double SecondsSince(MonotonicTime start) { return Seconds(Clock::Real().Now() - start); }

// A network loaded, compiled, and with its inputs in place.
struct Subject {
  std::shared_ptr<Model> model;
  std::shared_ptr<const Program> program;
  std::unique_ptr<Workspace> workspace;
};

absl::StatusOr<Subject> Prepare(const BenchOptions& options) {
  Subject subject;
  ASSIGN_OR_RETURN(subject.model, Model::Load(options.file));
  ASSIGN_OR_RETURN(const std::vector<Shape> shapes, ChooseShapes(subject.model->inputs(), options.shapes));
  ASSIGN_OR_RETURN(subject.program, subject.model->GetProgram(shapes, options.threads));
  subject.workspace = subject.program->CreateWorkspace();
  return subject;
}

// Runs go over their inputs, so each needs them anew; without, the next ones would compute on what is left there.
absl::Status FillInputs(const Program& program, Workspace& workspace) {
  for (size_t i = 0; i < program.inputs().size(); ++i) {
    const Program::Operand& input = program.inputs()[i];
    ASSIGN_OR_RETURN(const Tensor values, MakeInput(input.dtype, input.shape, i));
    std::copy_n(values.bytes(), values.byte_size(), workspace.input(static_cast<int>(i)).data());
  }
  return absl::OkStatus();
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

// Keeps the time of each step in several runs.
class StepTimer final : public StepObserver {
 public:
  explicit StepTimer(size_t steps) : seconds_(steps) {}

  void Start() { last_ = Clock::Real().Now(); }
  void StepDone(int step) override {
    const MonotonicTime now = Clock::Real().Now();
    seconds_[step].push_back(Seconds(now - last_));
    last_ = now;
  }
  // REQUIRES: at least one run.
  std::vector<double> Medians() const {
    std::vector<double> medians;
    for (const std::vector<double>& runs : seconds_) medians.push_back(Median(runs));
    return medians;
  }

 private:
  std::vector<std::vector<double>> seconds_;
  MonotonicTime last_;
};

absl::StatusOr<std::vector<double>> Measure(const BenchOptions& options, Subject& subject) {
  for (int i = 0; i < kWarmUps; ++i) {
    RETURN_IF_ERROR(FillInputs(*subject.program, *subject.workspace));
    RETURN_IF_ERROR(subject.program->Run(*subject.workspace));
  }
  std::vector<double> seconds;
  const MonotonicTime start = Clock::Real().Now();
  const auto enough = [&] {
    const int done = static_cast<int>(seconds.size());
    if (options.iterations > 0) return done >= options.iterations;
    return done >= kMinIterations && SecondsSince(start) >= kMinSeconds;
  };
  while (!enough()) {
    RETURN_IF_ERROR(FillInputs(*subject.program, *subject.workspace));
    const MonotonicTime begin = Clock::Real().Now();
    RETURN_IF_ERROR(subject.program->Run(*subject.workspace));
    seconds.push_back(SecondsSince(begin));
  }
  return seconds;
}

absl::StatusOr<Json> Profile(Subject& subject, size_t runs) {
  const std::vector<Program::Step>& steps = subject.program->steps();
  StepTimer timer(steps.size());
  for (size_t i = 0; i < runs; ++i) {
    RETURN_IF_ERROR(FillInputs(*subject.program, *subject.workspace));
    timer.Start();
    RETURN_IF_ERROR(subject.program->Run(*subject.workspace, {.observer = &timer}));
  }
  const std::vector<double> seconds = timer.Medians();
  const double total = std::accumulate(seconds.begin(), seconds.end(), 0.0);
  Json json = Json::array();
  for (size_t i = 0; i < steps.size(); ++i) {
    json.push_back({{"name", steps[i].name},
                    {"op", steps[i].op},
                    {"kernel", steps[i].kernel_name},
                    {"layouts", steps[i].layouts},
                    {"ms", seconds[i] * 1e3},
                    {"percent", total > 0 ? 100 * seconds[i] / total : 0},
                    {"gflops", seconds[i] > 0 ? steps[i].flops / seconds[i] * 1e-9 : 0}});
  }
  return json;
}

void PrintSteps(const Json& steps, std::ostream& out) {
  out << absl::StrFormat("%-32s %-20s %-32s %9s %6s %8s  %s\n", "name", "operator", "kernel", "ms", "%", "GFLOP/s",
                         "layouts");
  for (const Json& step : steps) {
    const auto text = [&step](const char* key) { return step[key].get<std::string>(); };
    const auto number = [&step](const char* key) { return step[key].get<double>(); };
    out << absl::StrFormat("%-32s %-20s %-32s %9.4f %6.2f %8.2f  %s\n", text("name"), text("op"), text("kernel"),
                           number("ms"), number("percent"), number("gflops"), text("layouts"));
  }
}

void PrintText(const Json& json, std::ostream& out) {
  if (json.contains("steps")) PrintSteps(json["steps"], out);
  out << absl::StrFormat("median %.4f ms, min %.4f ms over %d runs; %.2f GFLOP/s; loaded in %.3f s; resident %.1f MB\n",
                         json["median_ms"].get<double>(), json["min_ms"].get<double>(), json["iterations"].get<int>(),
                         json["gflops"].get<double>(), json["load_seconds"].get<double>(),
                         json["resident_bytes"].get<double>() * 1e-6);
}

}  // namespace

absl::Status Bench(const BenchOptions& options, std::ostream& out) {
  const MonotonicTime start = Clock::Real().Now();
  ASSIGN_OR_RETURN(Subject subject, Prepare(options));
  const double load_seconds = SecondsSince(start);
  RETURN_IF_ERROR(FillInputs(*subject.program, *subject.workspace));
  RETURN_IF_ERROR(subject.program->Run(*subject.workspace));
  const int64_t resident_bytes = ResidentBytes();
  ASSIGN_OR_RETURN(const std::vector<double> seconds, Measure(options, subject));
  const double median = Median(seconds);
  Json json = {{"median_ms", median * 1e3},
               {"min_ms", *std::min_element(seconds.begin(), seconds.end()) * 1e3},
               {"iterations", seconds.size()},
               {"gflops", median > 0 ? subject.program->flops() / median * 1e-9 : 0},
               {"load_seconds", load_seconds},
               {"resident_bytes", resident_bytes},
               {"workspace_bytes", subject.program->workspace_bytes()}};
  if (options.profile) {
    ASSIGN_OR_RETURN(json["steps"], Profile(subject, seconds.size()));
  }
  if (options.json) {
    out << json.dump(2) << "\n";
  } else {
    PrintText(json, out);
  }
  return absl::OkStatus();
}

}  // namespace beak::tools
