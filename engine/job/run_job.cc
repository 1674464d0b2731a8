#include "engine/job/run_job.h"

#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/base/cpu.h"
#include "engine/base/file.h"
#include "engine/base/memory.h"
#include "engine/base/process.h"
#include "engine/base/scoped_fd.h"
#include "engine/base/sha256.h"
#include "engine/base/status.h"
#include "engine/formats/beak/network_reader.h"
#include "engine/formats/format.h"
#include "engine/formats/onnx/onnx_reader.h"
#include "engine/formats/onnx/onnx_writer.h"
#include "engine/job/checkpoint.h"
#include "engine/job/compare.h"
#include "engine/job/evaluate.h"
#include "engine/job/job_data.h"
#include "engine/job/job_lock.h"
#include "engine/job/job_network.h"
#include "engine/job/job_plan.h"
#include "engine/job/job_spec.h"
#include "engine/job/lineage.h"
#include "engine/job/memory_plan.h"
#include "engine/job/progress_meter.h"
#include "engine/job/result_folder.h"
#include "engine/job/train_run.h"

namespace beak {
namespace {

constexpr double kDefaultConfidence = 0.95;

std::string Sha256Of(const std::string& bytes) {
  Sha256 digest;
  digest.Update(bytes.data(), bytes.size());
  return ToHex(digest.Finish());
}

class JobRun {
 public:
  JobRun(const RunJobOptions& options, const Backend& backend, EventSink& events, const Clock& clock)
      : options_(options), backend_(backend), events_(events), clock_(clock), result_(options.output) {}

  absl::Status Run() {
    RETURN_IF_ERROR(ReadSpec());
    if (options_.check) {
      RETURN_IF_ERROR(Open());
      return Prepare();
    }
    RETURN_IF_ERROR(EnterFolder());
    if (result_.exists()) return Finished();
    RETURN_IF_ERROR(Open());
    RETURN_IF_ERROR(Prepare());
    if (options_.resume) RETURN_IF_ERROR(Resume());
    ASSIGN_OR_RETURN(const Trained trained, run_->Run());
    run_.reset();
    ASSIGN_OR_RETURN(const Graph network, Export(trained));
    return CompareAndTell(network);
  }

 private:
  // ---------------------------------------------------------------- before training

  absl::Status ReadSpec() {
    ASSIGN_OR_RETURN(spec_, ReadJobFile(options_.job_file));
    const std::vector<std::string> wrong = CheckSpec(spec_);
    if (!wrong.empty()) return absl::InvalidArgumentError(absl::StrJoin(wrong, "\n"));
    threads_ = spec_.training().threads();
    if (threads_ == 0) threads_ = options_.threads > 0 ? options_.threads : AvailableCores();
    const std::filesystem::path parent = std::filesystem::path(options_.job_file).parent_path();
    const JobFolder beside = {parent.empty() ? std::string(".") : parent.string(), false};
    folder_ = options_.data_dir.empty() ? beside : JobFolder{options_.data_dir, true};
    return options_.foreign ? absl::OkStatus() : TakeDescription(beside);
  }

  // Puts a description that is a file beside the job file into the job.
  absl::Status TakeDescription(const JobFolder& beside) {
    if (!spec_.network().has_description_file()) return absl::OkStatus();
    const auto read = [&]() -> absl::StatusOr<v1::Network> {
      ASSIGN_OR_RETURN(const std::string path, ResolvePath(beside, spec_.network().description_file()));
      ASSIGN_OR_RETURN(const std::string text, ReadFile(path, kMaxNetworkTextBytes));
      absl::StatusOr<v1::Network> network = ParseNetwork(text);
      if (!network.ok()) return Annotate(network.status(), absl::StrCat("'", path, "'"));
      return network;
    };
    absl::StatusOr<v1::Network> network = read();
    if (!network.ok()) return Annotate(network.status(), "network.description_file");
    *spec_.mutable_network()->mutable_description() = *std::move(network);
    return absl::OkStatus();
  }

  absl::Status EnterFolder() {
    ASSIGN_OR_RETURN(lock_, LockJobFolder(options_.output, options_.wait_for_folder));
    if (!options_.resume && (result_.exists() || CheckpointStore::HasAny(CheckpointFolder()))) {
      return absl::FailedPreconditionError(absl::StrCat(
          "'", options_.output, "': expected a folder without checkpoints and result; --resume goes on from them"));
    }
    return absl::OkStatus();
  }

  std::string CheckpointFolder() const { return absl::StrCat(options_.output, "/checkpoint"); }

  // Data, network and plan.
  absl::Status Open() {
    JobDataOptions options;
    options.folder = folder_;
    options.seed = spec_.training().seed();
    ASSIGN_OR_RETURN(options.index_fields, FindIndexFields(spec_, folder_, options_.served_model));
    const v1::Publish::When when = spec_.publish().when();
    options.refuse_overlap = when == v1::Publish::METRIC || when == v1::Publish::BETTER_THAN_SERVING;
    ProgressMeter meter(clock_);
    options.progress = [&](int64_t done, int64_t total) {
      if (meter.DueToTell()) events_.Reading(done, total);
      if (options_.while_reading) options_.while_reading();
    };
    ASSIGN_OR_RETURN(data_, OpenJobData(spec_.data(), options));
    RETURN_IF_ERROR(CheckStop());
    for (const std::string& notice : data_.notices) Notice(notice);
    ASSIGN_OR_RETURN(network_, ReadJobNetwork(spec_.network(), folder_, options_.served_model,
                                              CountClasses(data_.training->schema()), spec_.training().seed()));
    ASSIGN_OR_RETURN(plan_, MakeJobPlan(spec_, data_, threads_, network_));
    return CheckComparison();
  }

  absl::Status CheckComparison() {
    if (options_.compare_file.empty()) return absl::OkStatus();
    if (data_.held_out == nullptr) return absl::FailedPreconditionError("compare: expected held-out data, got none");
    ASSIGN_OR_RETURN(const Graph other, ReadModelFile(options_.compare_file));
    return Annotate(CheckComparable(network_.graph, other, plan_), absl::StrCat("'", options_.compare_file, "'"));
  }

  // All that can be known to go wrong, does so here.
  absl::Status Prepare() {
    // What cannot be exported need not be trained. The bytes tell whether a checkpoint is of this network.
    ASSIGN_OR_RETURN(const std::string untrained, WriteOnnx(network_.graph));
    TrainRunOptions options;
    options.stop = options_.stop;
    options.origin = options_.code;
    options.origin["threads"] = absl::StrCat(threads_);
    options.origin["job"] = Sha256Of(spec_.SerializeAsString());
    options.origin["network"] = Sha256Of(untrained);
    options.origin["training data"] = data_.training_digest;
    options.origin["held-out data"] = data_.held_out_digest;
    if (!options_.check) {
      ASSIGN_OR_RETURN(checkpoints_, CheckpointStore::Open(CheckpointFolder()));
      options.checkpoints = checkpoints_.get();
    }
    origin_ = options.origin;
    ASSIGN_OR_RETURN(run_, TrainRun::Create(network_.graph, plan_, data_, backend_, events_, clock_, options));
    parameters_ = run_->num_parameters();
    v1::TrainPlan plan;
    plan.set_peak_bytes(run_->planned_peak_bytes());
    plan.set_training_samples(data_.training->size());
    if (data_.held_out != nullptr) plan.set_held_out_samples(data_.held_out->size());
    plan.set_steps(plan_.steps);
    events_.Plan(plan);
    const int64_t limit = options_.memory_limit_bytes;
    RETURN_IF_ERROR(CheckPlannedPeak(run_->planned_peak_bytes(), limit > 0 ? limit : AvailableMemoryBytes()));
    return CheckStop();
  }

  absl::Status Resume() {
    std::vector<std::string> notices;
    ASSIGN_OR_RETURN(const std::optional<Checkpoint> checkpoint, checkpoints_->ReadNewest(notices));
    for (const std::string& notice : notices) Notice(notice);
    if (!checkpoint) return absl::OkStatus();
    for (const auto& [name, value] : origin_) {
      const auto found = checkpoint->origin.find(name);
      const std::string before = found == checkpoint->origin.end() ? "" : found->second;
      if (before == value) continue;
      if (name == "job" || name == "network" || name.ends_with(" data")) {
        return absl::FailedPreconditionError(
            absl::StrCat("checkpoint of step ", checkpoint->step, ": expected one of this ", name, ", got another's"));
      }
      Notice(absl::StrCat("goes on with another ", name, " (", value, ", before: ", before,
                          "): the result may have other bits than without a stop"));
    }
    return run_->Resume(*checkpoint);
  }

  absl::Status CheckStop() const {
    return options_.stop && options_.stop() ? absl::CancelledError("stopped as asked") : absl::OkStatus();
  }

  void Notice(const std::string& notice) {
    events_.Notice(notice);
    notices_.push_back(notice);
  }

  // ---------------------------------------------------------------- after training

  // Writes the result, and gives the network as its file has it.
  absl::StatusOr<Graph> Export(const Trained& trained) {
    ASSIGN_OR_RETURN(std::string model, WriteOnnx(trained.network));
    ASSIGN_OR_RETURN(Graph network, ReadOnnx(model, ""));
    v1::TrainResult& result = outcome_;
    if (data_.held_out != nullptr) {
      EvaluateOptions options;
      options.confusion = true;
      ASSIGN_OR_RETURN(const Evaluation evaluation, Evaluate(network, plan_, data_.held_out, backend_, options));
      Describe(evaluation, plan_, result);
    }
    result.set_exported_epoch(trained.epoch);
    result.set_stopped_early(trained.stopped_early);
    result.set_data_digest(data_.training_digest);
    result.set_held_out_digest(data_.held_out_digest);
    result.set_parameters(parameters_);
    result.set_peak_bytes(PeakResidentBytes());
    result.set_seconds(trained.seconds);
    for (const std::string& notice : notices_) result.add_notice(notice);
    ASSIGN_OR_RETURN(std::string lineage, LineageOf(trained, Sha256Of(model)));
    std::map<std::string, std::string> files = {
        {kModelFile, std::move(model)},
        {kConfigFile, ConfigText(spec_, plan_, data_.training->schema(), network)},
        {kLineageFile, std::move(lineage)},
        {kResultFile, result.SerializeAsString()}};
    if (plan_.classes) files[kLabelsFile] = LabelsText(*plan_.classes);
    if (const absl::Status status = result_.Write(files); !status.ok()) return Annotate(status, "result");
    return network;
  }

  absl::StatusOr<std::string> LineageOf(const Trained& trained, const std::string& model_sha256) {
    Lineage lineage;
    lineage.spec = spec_;
    lineage.result = outcome_;
    lineage.epochs = trained.epochs;
    lineage.training_samples = data_.training->size();
    lineage.threads = threads_;
    lineage.code = options_.code;
    lineage.model_sha256 = model_sha256;
    RETURN_IF_ERROR(FindParent(spec_.network(), folder_, options_.served_model, lineage));
    return LineageText(lineage);
  }

  // The job had come to its end before.
  absl::Status Finished() {
    ASSIGN_OR_RETURN(outcome_, result_.ReadResult());
    if (options_.compare_file.empty()) {
      events_.Result(outcome_);
      return absl::OkStatus();
    }
    RETURN_IF_ERROR(Open());
    ASSIGN_OR_RETURN(const Graph network, ReadModelFile(result_.PathOf(kModelFile)));
    return CompareAndTell(network);
  }

  absl::Status CompareAndTell(const Graph& network) {
    if (!options_.compare_file.empty()) {
      ASSIGN_OR_RETURN(const Graph other, ReadModelFile(options_.compare_file));
      const v1::Publish& publish = spec_.publish();
      EvaluateOptions options;
      options.stop = options_.stop;
      ASSIGN_OR_RETURN(
          *outcome_.mutable_comparison(),
          Compare(network, other, plan_, data_.held_out,
                  publish.has_confidence() ? publish.confidence() : kDefaultConfidence, backend_, options));
      RETURN_IF_ERROR(result_.ReplaceResult(outcome_));
    }
    events_.Result(outcome_);
    return absl::OkStatus();
  }

  const RunJobOptions& options_;
  const Backend& backend_;
  EventSink& events_;
  const Clock& clock_;
  const ResultFolder result_;

  ScopedFd lock_;
  v1::TrainJobSpec spec_;
  int threads_ = 1;
  JobFolder folder_;
  JobData data_;
  JobNetwork network_;
  JobPlan plan_;
  std::unique_ptr<CheckpointStore> checkpoints_;
  std::map<std::string, std::string> origin_;
  std::unique_ptr<TrainRun> run_;
  std::vector<std::string> notices_;
  int64_t parameters_ = 0;
  v1::TrainResult outcome_;
};

}  // namespace

absl::Status RunJob(const RunJobOptions& options, const Backend& backend, EventSink& events, const Clock& clock) {
  return JobRun(options, backend, events, clock).Run();
}

}  // namespace beak
