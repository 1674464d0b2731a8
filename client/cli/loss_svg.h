#pragma once

#include <string>

#include "proto/beak/v1/train.pb.h"

namespace beak::cli {

// A picture of a job's losses, and of its accuracies where there are classes, over its epochs: training and held-out
// data in one plot each. A self-contained SVG without scripts, whatever the job's texts are. Pure.
std::string DrawSvg(const v1::TrainJob& job);

}  // namespace beak::cli
