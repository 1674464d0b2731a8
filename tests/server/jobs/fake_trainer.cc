// Stands in for beak-train: keeps to the same contract, but computes nothing and does what the job tells it to. The
// script is in network.description_file, words of the form KEY=VALUE:
//
//   epochs=2 steps=3 step_us=0     how much there is to do
//   attempts=N                     what follows happens in the first N processes of the job only
//   crash_at=S exit_at=S,CODE garbage_at=S hang_at=S fail_at=S   at the beginning of step S (from 1)
//   crash_after=N                  at the N-th step from where the process began
//   hold_at=S                      waits there until the file `go` is in the job's folder, or it is told to end
//   deaf=1                         does not listen to the control pipe
//   spam=N                         writes N lines to stderr
//   notices=N                      tells N notices first
//   no_result=1                    ends well, and tells no result
//   child=1                        leaves a process behind that keeps the pipes
//   model=FILE                     what is exported; else a text that tells what has been computed
//   lower=X                        what a comparison comes to
//   compare_crash=N                the first N comparisons crash
//   compare_hold=1                 a comparison waits until the file `compare_go` is in the job's folder
//   check=fail|hang|crash|garbage  what a check does; else it succeeds
//   refuse_text=TEXT               with check=fail

#include <fcntl.h>
#include <google/protobuf/text_format.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>
#include <string>

#include "proto/beak/v1/train.pb.h"

namespace beak {
namespace {

namespace fs = std::filesystem;

constexpr int kFailed = 1;
constexpr int kUsage = 2;
constexpr int kStopped = 3;

std::string ReadAll(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void WriteWhole(const std::string& path, const std::string& text) {
  std::ofstream(path + ".tmp", std::ios::binary) << text;
  fs::rename(path + ".tmp", path);
}

class Trainer {
 public:
  Trainer(int argc, char** argv) {
    for (int i = 1; i < argc; ++i) {
      const std::string argument = argv[i];
      const size_t equals = argument.find('=');
      if (argument.rfind("--", 0) != 0) {
        job_file_ = argument;
      } else {
        flags_[argument.substr(2, equals - 2)] = equals == std::string::npos ? "1" : argument.substr(equals + 1);
      }
    }
  }

  // So that tests get on beside others that need all cores.
  void StopBeingHumble() {
    const sched_param parameters = {};
    if (sched_setscheduler(0, SCHED_OTHER, &parameters) == 0) setpriority(PRIO_PROCESS, 0, 0);
  }

  int Run() {
    if (!google::protobuf::TextFormat::ParseFromString(ReadAll(job_file_), &job_)) return kUsage;
    std::istringstream words(job_.network().description_file());
    for (std::string word; words >> word;) script_[word.substr(0, word.find('='))] = word.substr(word.find('=') + 1);
    events_ = std::atoi(Flag("events-fd").c_str());
    control_ = std::atoi(Flag("control-fd").c_str());
    if (!Flag("check").empty()) return Check();
    folder_ = Flag("output");
    const int lock = open((folder_ + "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (lock < 0 || flock(lock, LOCK_EX) != 0) return kUsage;
    attempt_ = std::atoi(ReadAll(folder_ + "/attempt").c_str()) + 1;
    WriteWhole(folder_ + "/attempt", std::to_string(attempt_));
    Introduce();
    if (!fs::exists(folder_ + "/result")) {
      if (const int status = Train(); status != 0) return status;
      Export();
    }
    return TellResult();
  }

 private:
  std::string Flag(const std::string& name) const {
    const auto flag = flags_.find(name);
    return flag != flags_.end() ? flag->second : "";
  }
  std::string Word(const std::string& key) const {
    const auto word = script_.find(key);
    return word != script_.end() ? word->second : "";
  }
  int64_t Number(const std::string& key, int64_t otherwise = 0) const {
    return Word(key).empty() ? otherwise : std::atoll(Word(key).c_str());
  }
  bool Misbehaves() const { return attempt_ <= Number("attempts", 1 << 30); }
  bool At(const std::string& key) const { return Misbehaves() && Number(key, -1) == step_; }

  void Write(const std::string& bytes) const {
    size_t done = 0;
    while (done < bytes.size()) {
      const ssize_t n = write(events_, bytes.data() + done, bytes.size() - done);
      if (n < 0) return;
      done += static_cast<size_t>(n);
    }
  }
  void Tell(const v1::TrainEvent& event) const {
    std::string bytes;
    for (size_t length = event.ByteSizeLong();; length >>= 7) {
      bytes.push_back(static_cast<char>((length & 0x7f) | (length >= 0x80 ? 0x80 : 0)));
      if (length < 0x80) break;
    }
    event.AppendToString(&bytes);
    Write(bytes);
  }
  void TellNotice(const std::string& text) const {
    v1::TrainEvent event;
    event.set_notice(text);
    Tell(event);
  }
  int Fail(const std::string& text) const {
    v1::TrainEvent event;
    event.mutable_failure()->set_code(3);
    event.mutable_failure()->set_message(text);
    Tell(event);
    return kFailed;
  }

  int Check() {
    const std::string what = Word("check");
    if (what == "hang") {
      while (true) pause();
    }
    if (what == "crash") abort();
    if (what == "garbage") Write("\xff\xff\xff\xff\xff\xff");
    if (what == "fail") return Fail("training.epochs: expected at least 1, got 0\n" + Word("refuse_text"));
    if (!Flag("served-model").empty() && !fs::exists(Flag("served-model"))) return Fail("no served model");
    v1::TrainEvent event;
    event.mutable_plan()->set_steps(1);
    Tell(event);
    return 0;
  }

  void Introduce() {
    for (int64_t i = 0; i < Number("spam"); ++i) std::fprintf(stderr, "line %lld\n", static_cast<long long>(i));
    for (int64_t i = 0; i < Number("notices"); ++i) TellNotice(std::to_string(i));
    if (Number("child") != 0 && fork() == 0) {
      while (true) pause();
    }
  }

  bool ToldToEnd(int wait_ms) const {
    if (Number("deaf") != 0) return poll(nullptr, 0, wait_ms), false;
    pollfd control = {control_, POLLIN, 0};
    return poll(&control, 1, wait_ms) > 0;
  }

  void Checkpoint() const { WriteWhole(folder_ + "/checkpoint", std::to_string(step_) + " " + std::to_string(hash_)); }

  int Train() {
    std::istringstream(ReadAll(folder_ + "/checkpoint")) >> step_ >> hash_;
    began_ = step_;
    const int64_t steps = Number("steps", 3);
    const int64_t all = steps * Number("epochs", 2);
    while (step_ < all) {
      ++step_;
      if (const int status = Misbehave(); status != 0) return status;
      if (ToldToEnd(0)) return --step_, Checkpoint(), kStopped;
      usleep(static_cast<useconds_t>(Number("step_us")));
      hash_ = hash_ * 31 + static_cast<uint64_t>(step_);
      TellProgress(all);
      if (step_ % steps == 0) TellEpoch(step_ / steps - 1);
    }
    return 0;
  }

  int Misbehave() {
    if (At("crash_at") || step_ - began_ == Number("crash_after")) abort();
    if (At("fail_at")) return Fail("step " + std::to_string(step_) + ": the loss is no number");
    if (At("garbage_at")) Write(std::string(100, '\xff'));
    if (At("hang_at")) {
      while (true) pause();
    }
    if (Misbehaves() && Word("exit_at").rfind(std::to_string(step_) + ",", 0) == 0) {
      std::fprintf(stderr, "an error at step %lld\n", static_cast<long long>(step_));
      return std::atoi(Word("exit_at").substr(Word("exit_at").find(',') + 1).c_str());
    }
    while (At("hold_at") && !fs::exists(folder_ + "/go") && !ToldToEnd(1)) {
    }
    return 0;
  }

  void TellProgress(int64_t all) const {
    v1::TrainEvent event;
    v1::TrainProgress& progress = *event.mutable_progress();
    progress.set_phase(v1::TrainProgress::TRAINING);
    progress.set_step(step_);
    progress.set_steps(all);
    progress.set_loss(1.0 / static_cast<double>(step_));
    progress.set_samples_per_second(100);
    progress.set_step_seconds(0.01);
    progress.set_learning_rate(0.5);
    Tell(event);
  }
  void TellEpoch(int64_t epoch) const {
    v1::TrainEvent event;
    event.mutable_epoch()->set_epoch(epoch);
    event.mutable_epoch()->set_steps(step_);
    event.mutable_epoch()->mutable_held_out()->set_samples(100);
    event.mutable_epoch()->mutable_held_out()->set_accuracy(0.5);
    Tell(event);
    Checkpoint();
  }

  void Export() const {
    const std::string aside = folder_ + "/result.tmp";
    fs::remove_all(aside);
    fs::create_directory(aside);
    if (Word("model").empty()) {
      std::ofstream(aside + "/model.onnx") << "trained " << hash_ << "\n";
    } else {
      fs::copy_file(Word("model"), aside + "/model.onnx");
    }
    std::ofstream(aside + "/lineage.json") << "{}\n";
    fs::rename(aside, folder_ + "/result");
  }

  int TellResult() {
    if (Number("no_result") != 0) return 0;
    v1::TrainEvent event;
    v1::TrainResult& result = *event.mutable_result();
    result.mutable_held_out()->set_samples(100);
    result.mutable_held_out()->set_accuracy(0.5);
    result.set_parameters(7);
    if (!Flag("compare").empty()) {
      const int comparison = std::atoi(ReadAll(folder_ + "/comparisons").c_str()) + 1;
      WriteWhole(folder_ + "/comparisons", std::to_string(comparison));
      if (comparison <= Number("compare_crash")) abort();
      while (Number("compare_hold") != 0 && !fs::exists(folder_ + "/compare_go") && !ToldToEnd(1)) {
      }
      if (ToldToEnd(0)) return kStopped;
      if (!fs::exists(Flag("compare"))) return Fail("nothing to compare with");
      result.mutable_comparison()->set_lower_bound(std::atof(Word("lower").c_str()));
      result.mutable_comparison()->set_confidence(0.95);
    }
    Tell(event);
    return 0;
  }

  std::string job_file_;
  std::map<std::string, std::string> flags_;
  std::map<std::string, std::string> script_;
  v1::TrainJobSpec job_;
  std::string folder_;
  int events_ = -1;
  int control_ = -1;
  int attempt_ = 0;
  int64_t step_ = 0;
  int64_t began_ = 0;
  uint64_t hash_ = 1;
};

}  // namespace
}  // namespace beak

int main(int argc, char** argv) {
  beak::Trainer trainer(argc, argv);
  trainer.StopBeingHumble();
  return trainer.Run();
}
