#include "client/config_text.h"

#include <google/protobuf/text_format.h>
#include <google/protobuf/util/json_util.h>

#include "proto/inference/model_config.pb.h"

namespace beak::client {

std::string ToText(const inference::ModelConfig& config) {
  std::string text;
  google::protobuf::TextFormat::PrintToString(config, &text);
  return text;
}

std::string ToJson(const inference::ModelConfig& config) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string json;
  // Fails only for messages with Any fields, which a configuration has not.
  (void)google::protobuf::util::MessageToJsonString(config, &json, options);
  return json;
}

}  // namespace beak::client
