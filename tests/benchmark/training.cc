// How fast a described network trains, and how well the lecture's network learns MNIST.
//
//   beak-benchmark-training speed NETWORK BATCH THREADS SECONDS [--json]   random images: images per second, memory
//   beak-benchmark-training profile NETWORK BATCH THREADS SECONDS          the same, and where the time goes
//   beak-benchmark-training mnist EPOCHS THREADS                           test accuracy after each epoch (BEAK_DATA)
//
// The same as training_peer.py of the peers: float32, SGD with momentum 0.9, softmax cross-entropy; the shortest step.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/status.h"
#include "tests/training/training_run.h"

namespace beak {
namespace {

int Fail(const absl::Status& status) {
  std::fprintf(stderr, "beak-benchmark-training: %s\n", status.ToString().c_str());
  return 1;
}

// A described network, and a batch of random images and labels.
struct Subject {
  testing::DescribedTraining training;
  Tensor images, labels;

  TrainingBatch batch() const {
    return {images.shape()[0], {{images.bytes(), images.byte_size()}}, {{labels.bytes(), labels.byte_size()}}};
  }
};

absl::StatusOr<Subject> MakeSubject(const std::string& name, int64_t batch, int threads) {
  TrainerOptions options;
  options.optimizer = DefaultOptions(Flavour::kPyTorch, OptimizerKind::kSgd);
  options.optimizer.momentum = 0.9;
  options.batch_rows = batch;
  options.threads = threads;
  Subject subject;
  ASSIGN_OR_RETURN(subject.training, testing::TrainDescribed(name, options));
  const Graph& graph = subject.training.network.graph;
  Shape shape = {batch};
  for (const Dim& dim : *graph.value(graph.inputs()[0]).type.shape) shape.push_back(dim.known() ? dim.value() : 1);
  shape.erase(shape.begin() + 1);
  const int64_t classes = subject.training.network.layers.back().output.back().value();
  std::mt19937 bits(1);
  ASSIGN_OR_RETURN(subject.images, Tensor::Create(DType::kFloat32, shape));
  ASSIGN_OR_RETURN(subject.labels, Tensor::Create(DType::kInt64, {batch}));
  for (float& value : subject.images.mutable_values<float>()) value = static_cast<float>(bits()) / 4294967296.0f;
  for (int64_t& label : subject.labels.mutable_values<int64_t>()) label = static_cast<int64_t>(bits()) % classes;
  return subject;
}

// The shortest time of each step of the program.
class StepTimer final : public StepObserver {
 public:
  void Start() { last_ = clock_.Now(); }
  void StepDone(int step) override {
    const MonotonicTime now = clock_.Now();
    const auto i = static_cast<size_t>(step);
    if (i >= shortest_.size()) shortest_.resize(i + 1, 1e9);
    shortest_[i] = std::min(shortest_[i], Seconds(now - last_));
    last_ = now;
  }
  const std::vector<double>& shortest() const { return shortest_; }

 private:
  const Clock& clock_ = Clock::Real();
  MonotonicTime last_;
  std::vector<double> shortest_;
};

// The whole, then by operator and kernel, then every step.
void PrintProfile(const Program& program, const StepTimer& timer, double whole) {
  std::map<std::string, double> kinds;
  double sum = 0;
  for (size_t i = 0; i < program.steps().size(); ++i) {
    const Program::Step& step = program.steps()[i];
    const double seconds = timer.shortest()[i];
    kinds[step.op + ", " + step.kernel_name] += seconds;
    sum += seconds;
    std::printf("%9.3f ms %7.1f GFLOP/s  %-26s %-28s %-34s %s\n", seconds * 1e3, step.flops / seconds * 1e-9,
                step.op.c_str(), step.name.c_str(), step.kernel_name.c_str(), step.layouts.c_str());
  }
  std::printf("\n");
  for (const auto& [kind, seconds] : kinds) {
    std::printf("%9.3f ms %5.1f %%  %s\n", seconds * 1e3, 100 * seconds / whole, kind.c_str());
  }
  std::printf("%9.3f ms %5.1f %%  outside the program\n", (whole - sum) * 1e3, 100 * (whole - sum) / whole);
}

double PeakMegabytes() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    double kilobytes = 0;
    if (word == "VmHWM:" && status >> kilobytes) return kilobytes / 1024;
  }
  return 0;
}

int Speed(const std::string& name, int64_t batch, int threads, double seconds, const std::string& mode) {
  const bool profile = mode == "profile";
  absl::StatusOr<Subject> subject = MakeSubject(name, batch, threads);
  if (!subject.ok()) return Fail(subject.status());
  Trainer& trainer = *subject->training.trainer;
  const TrainingBatch samples = subject->batch();
  const Clock& clock = Clock::Real();
  StepTimer timer;
  double shortest = 1e9;
  const MonotonicTime end = clock.Now() + std::chrono::nanoseconds(static_cast<int64_t>(seconds * 1e9));
  for (int step = 0; step < 5 || clock.Now() < end; ++step) {
    const MonotonicTime begin = clock.Now();
    timer.Start();
    const auto report = trainer.Train(samples, 0.001, {.observer = profile ? &timer : nullptr});
    if (!report.ok()) return Fail(report.status());
    if (step >= 2) shortest = std::min(shortest, Seconds(clock.Now() - begin));
  }
  if (profile) PrintProfile(trainer.program(), timer, shortest);
  const double images_per_second = static_cast<double>(batch) / shortest;
  if (mode == "--json") {
    std::printf("{\"images_s\": %.1f, \"peak_mb\": %.0f}\n", images_per_second, PeakMegabytes());
  } else {
    std::printf("%s: batch %lld on %d threads: %.2f ms a step, %.1f images/s, peak memory %.0f MB, workspace %.1f MB\n",
                name.c_str(), static_cast<long long>(batch), threads, shortest * 1e3, images_per_second,
                PeakMegabytes(), static_cast<double>(trainer.workspace_bytes()) / 1e6);
  }
  return 0;
}

int Mnist(int epochs, int threads) {
  TrainerOptions options;
  options.optimizer = DefaultOptions(Flavour::kKeras, OptimizerKind::kAdam);
  options.batch_rows = 64;
  options.threads = threads;
  auto training = testing::TrainDescribed("lecture_cnn", options, {0}, {1.0f / 255});
  if (!training.ok()) return Fail(training.status());
  const auto train = testing::OpenMnist("train"), test = testing::OpenMnist("t10k");
  if (!train.ok()) return Fail(train.status());
  if (!test.ok()) return Fail(test.status());
  data::LoaderOptions loading;
  loading.batch_size = 64;
  loading.epochs = epochs;
  auto loader = data::Loader::Create(*train, loading);
  if (!loader.ok()) return Fail(loader.status());
  const Clock& clock = Clock::Real();
  MonotonicTime begin = clock.Now();
  double loss = 0;
  while (true) {
    const auto batch = (*loader)->Next();
    if (!batch.ok()) return Fail(batch.status());
    if (*batch == nullptr) return 0;
    const data::Position at = (*batch)->position;
    const auto report = training->trainer->Train(testing::ToTrainingBatch(**batch), 0.001);
    if (!report.ok()) return Fail(report.status());
    loss += report->loss;
    if (at.batch + 1 < (*loader)->batches_per_epoch()) continue;
    const double seconds = Seconds(clock.Now() - begin);
    const auto accuracy = testing::Accuracy(*training, *test, 10'000, threads);
    if (!accuracy.ok()) return Fail(accuracy.status());
    std::printf("epoch %lld: loss %.4f, test accuracy %.2f %%, %.1f s, %.0f images/s\n",
                static_cast<long long>(at.epoch + 1), loss / static_cast<double>((*loader)->batches_per_epoch()),
                *accuracy * 100, seconds, 60'000 / seconds);
    std::fflush(stdout);
    loss = 0;
    begin = clock.Now();
  }
}

int Main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  const std::string mode = argc == 7 ? argv[6] : what;
  if ((what == "speed" && (argc == 6 || mode == "--json")) || (what == "profile" && argc == 6)) {
    return Speed(argv[2], std::atoll(argv[3]), std::atoi(argv[4]), std::atof(argv[5]), mode);
  }
  if (what == "mnist" && argc == 4) return Mnist(std::atoi(argv[2]), std::atoi(argv[3]));
  std::fprintf(stderr,
               "usage: beak-benchmark-training speed|profile NETWORK BATCH THREADS SECONDS [--json]\n"
               "       beak-benchmark-training mnist EPOCHS THREADS\n");
  return 2;
}

}  // namespace
}  // namespace beak

int main(int argc, char** argv) { return beak::Main(argc, argv); }
