#pragma once

#include <string>

#include "absl/status/status.h"
#include "engine/base/cancel.h"
#include "engine/engine.h"
#include "server/models/signature.h"

namespace inference {
class ModelConfig;
}

namespace beak {

// Runs what `model_warmup` of a completed configuration describes, one sample after the other, each as often as it
// says. Input files lie in `folder`/warmup and hold one row, which fills a batch; `folder` is the model's, empty where
// there is none. INVALID_ARGUMENT for a sample that does not fit the model, CANCELLED once it is seen to be asked to
// stop, and what reading files and running say.
absl::Status RunModelWarmup(const inference::ModelConfig& config, const Signature& signature, const std::string& folder,
                            Model& network, const CancelToken* stop = nullptr);

}  // namespace beak
