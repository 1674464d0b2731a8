#pragma once

#include <string>
#include <vector>

#include "client/cli/loss_chart.h"
#include "proto/beak/v1/service/train_service.pb.h"

// Whole jobs as `beak train` prints them: text for people, the messages of proto/beak/v1/train.proto as JSON (names as
// they are there) for machines. Pure.
namespace beak::cli {

// One line a job.
std::string JobTable(const std::vector<v1::TrainJob>& jobs);
// Everything about one, with charts.
std::string JobText(const v1::TrainJob& job, const ChartStyle& style);

// Indented, over several lines.
std::string ToJson(const v1::TrainJob& job);
std::string ToJson(const std::vector<v1::TrainJob>& jobs);
// In one line.
std::string ToJsonLine(const v1::TrainJobUpdate& update);

}  // namespace beak::cli
