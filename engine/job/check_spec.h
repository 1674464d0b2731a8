#pragma once

#include <cstdint>
#include <string>
#include <vector>

// The parts of CheckSpec besides CheckDataSet: each adds a line for every field that is wrong. Private to engine/job.
// Pure.
namespace beak {

namespace v1 {
class LearningRateSchedule;
class TrainJobSpec;
}  // namespace v1

void CheckNetwork(const v1::TrainJobSpec& spec, std::vector<std::string>& lines);
void CheckInputs(const v1::TrainJobSpec& spec, std::vector<std::string>& lines);
void CheckTraining(const v1::TrainJobSpec& spec, std::vector<std::string>& lines);
void CheckPublish(const v1::TrainJobSpec& spec, std::vector<std::string>& lines);

// Of a training that is `positions` long in the schedule's unit.
void CheckSchedule(const v1::LearningRateSchedule& schedule, int64_t positions, std::vector<std::string>& lines);

// The name of a folder in a model repository; false for what could lead anywhere else.
bool IsModelName(const std::string& name);
// The error of one that is not.
std::string BadModelName(const std::string& place, const std::string& name);

// Notes that a field makes no sense without held-out data, where there is none.
void NeedHeldOutData(const v1::TrainJobSpec& spec, const std::string& place, std::vector<std::string>& lines);

// Adds lines with `place` in front of each.
void AddLines(const std::string& place, const std::vector<std::string>& from, std::vector<std::string>& lines);

}  // namespace beak
