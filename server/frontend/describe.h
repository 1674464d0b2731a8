#pragma once

#include <string>

#include "absl/status/status.h"
#include "server/models/snapshot.h"
#include "server/observe/statistics.h"

namespace inference {
class ModelMetadataResponse;
class ModelStatistics;
class ModelStatisticsResponse;
class RepositoryIndexResponse;
}  // namespace inference

namespace beak {

// What a snapshot of the models says, in messages of the protocol. An empty version is the newest that is ready; errors
// are those of ModelSnapshot::Find.

// The versions that are ready, or the one asked for; the tensors as clients see them.
absl::Status Describe(const ModelSnapshot& models, const std::string& model, const std::string& version,
                      inference::ModelMetadataResponse* message);

// Of one version; of all that are ready where `version`, and of all models where `model` is empty.
absl::Status DescribeStatistics(const ModelSnapshot& models, const std::string& model, const std::string& version,
                                inference::ModelStatisticsResponse* message);

// The sums and counts of one version; not its name, nor its memory.
void Describe(const VersionStatistics& statistics, inference::ModelStatistics* message);

// Every version in its state, with the reason; only what is ready if `ready_only`.
void DescribeIndex(const ModelSnapshot& models, bool ready_only, inference::RepositoryIndexResponse* message);

}  // namespace beak
