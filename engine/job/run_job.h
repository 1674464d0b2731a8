#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "absl/status/status.h"
#include "engine/base/clock.h"
#include "engine/job/event_sink.h"
#include "engine/runtime/kernel.h"

namespace beak {

// How beak-train was called; see its --help.
struct RunJobOptions {
  std::string job_file;
  std::string output;        // the job's folder; empty with `check`
  std::string compare_file;  // an ONNX file; empty: nothing is compared
  std::string data_dir;      // empty: paths are below the job file's folder, and may lead anywhere
  // The job is somebody else's: its network.description_file is read below data_dir too, instead of beside the job
  // file.
  bool foreign = false;
  std::string served_model;  // the ONNX file behind `network { served {} }`
  bool resume = false;
  bool check = false;
  int threads = 0;                          // where the job does not say; 0: all cores that the process may use
  int64_t memory_limit_bytes = 0;           // of the planned peak; 0: what the process may use
  std::map<std::string, std::string> code;  // for lineage: "version", "instruction_set", "kernels"
  std::function<bool()> stop;               // whether somebody wants it to end
  std::function<bool()> wait_for_folder;    // see LockJobFolder
  // Called now and then while data is read, which cannot be broken off: it need not return, for nothing is written yet.
  std::function<void()> while_reading;
};

// Runs a whole train job, or checks it: reads job, network and data, fits them together, trains or goes on from a
// checkpoint, exports and measures the network, compares it. Tells all but its error to `events`. CANCELLED where it
// was stopped; a checkpoint is kept once training has begun.
absl::Status RunJob(const RunJobOptions& options, const Backend& backend, EventSink& events, const Clock& clock);

}  // namespace beak
