// A server of train jobs that is made to be killed: manager_process FOLDER SCRIPT. Creates a job of the script as often
// as it can, at most two at a time, and writes the id of each that was acknowledged into FOLDER/acknowledged.

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <future>
#include <string>

#include "engine/base/log.h"
#include "server/jobs/job_manager.h"
#include "server/observe/metrics.h"
#include "tests/server/jobs/trainer_support.h"

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  beak::ConfigureLog(beak::LogLevel::kError, beak::LogFormat::kText);
  const std::string folder = argv[1];
  beak::JobManager::Options options;
  options.state_dir = folder + "/state";
  options.data_dir = folder + "/data";
  options.model_repository = folder + "/models";
  options.train_program = beak::testing::FakeTrainer();
  options.memory_limit_bytes = beak::testing::kNoMemoryLimit;
  options.max_queued = 2;
  beak::testing::FakeServedModels models;
  beak::Metrics metrics("1");
  const auto manager = beak::JobManager::Create(options, models, metrics, beak::Clock::Real());
  if (!manager.ok()) return 1;
  const int acknowledged = open((folder + "/acknowledged").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  while (true) {
    std::promise<absl::StatusOr<beak::v1::TrainJob>> made;
    (*manager)->CreateJob("", beak::testing::ScriptedJob(argv[2]), false,
                          [&](absl::StatusOr<beak::v1::TrainJob> job) { made.set_value(std::move(job)); });
    const absl::StatusOr<beak::v1::TrainJob> job = made.get_future().get();
    const std::string line = job.ok() ? job->id() + "\n" : "";
    if (write(acknowledged, line.data(), line.size()) < 0) return 1;
    usleep(job.ok() ? 0 : 10'000);
  }
}
