#pragma once

#include <cstdint>
#include <string>

#include "proto/beak/v1/train.pb.h"
#include "server/jobs/train_process.h"

namespace beak {

// What all train processes of a server have in common.
struct TrainSettings {
  std::string program;
  std::string data_dir;
  int threads = 1;                 // of a job that asks for none
  int64_t memory_limit_bytes = 0;  // that a job's planned peak must stay below
  std::string code_version;
};

// The command lines of beak-train. `served_file`: the model that the job begins with; empty: none. Pure.
TrainCommand CheckCommand(const TrainSettings& settings, const std::string& job_file, const std::string& served_file);
// `folder` is the job's. With `compare_file` a job that has been trained is compared with that model.
TrainCommand RunCommand(const TrainSettings& settings, const std::string& job_file, const std::string& folder,
                        const std::string& served_file, const std::string& compare_file);

// The same settings with the threads of this job.
TrainSettings SettingsFor(const v1::TrainJobSpec& spec, TrainSettings settings);

}  // namespace beak
