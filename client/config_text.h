#pragma once

#include <string>

namespace inference {
class ModelConfig;  // proto/inference/model_config.pb.h
}  // namespace inference

namespace beak::client {

// A model's configuration as a person writes it into config.pbtxt.
std::string ToText(const inference::ModelConfig& config);

// The same as JSON, names as in the protocol.
std::string ToJson(const inference::ModelConfig& config);

}  // namespace beak::client
