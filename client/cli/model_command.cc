#include "client/cli/model_command.h"

#include <memory>
#include <optional>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/cli/model_report.h"
#include "client/config_text.h"
#include "engine/base/status.h"
#include "proto/inference/model_config.pb.h"

namespace beak::cli {

using client::Client;

absl::StatusOr<std::string> ListModels(const ModelFlags& flags) {
  ASSIGN_OR_RETURN(const std::unique_ptr<Client> client, flags.connection.Connect());
  ASSIGN_OR_RETURN(const std::vector<client::ModelIndex> models, client->ListModels());
  return flags.json ? ToJson(models) : ToText(models);
}

absl::StatusOr<std::string> ShowConfig(const ModelFlags& flags) {
  ASSIGN_OR_RETURN(const std::unique_ptr<Client> client, flags.connection.Connect());
  ASSIGN_OR_RETURN(const inference::ModelConfig config, client->GetModelConfig(flags.model, flags.version));
  return flags.json ? client::ToJson(config) + "\n" : client::ToText(config);
}

absl::StatusOr<std::string> ShowStatistics(const ModelFlags& flags) {
  ASSIGN_OR_RETURN(const std::unique_ptr<Client> client, flags.connection.Connect());
  ASSIGN_OR_RETURN(const std::vector<client::ModelStatistics> statistics,
                   client->GetStatistics(flags.model, flags.version));
  return flags.json ? ToJson(statistics) : ToText(statistics);
}

absl::StatusOr<std::string> LoadModel(const ModelFlags& flags) {
  ASSIGN_OR_RETURN(const std::unique_ptr<Client> client, flags.connection.Connect());
  std::optional<std::string> config;
  if (!flags.version.empty()) {
    config = absl::StrCat(R"({"version_policy":{"specific":{"versions":[)", flags.version, "]}}}");
  }
  RETURN_IF_ERROR(client->LoadModel(flags.model, config));
  return flags.json ? ActionJson(flags.model, flags.version, "loaded")
                    : ActionText(flags.model, flags.version, "loaded");
}

absl::StatusOr<std::string> UnloadModel(const ModelFlags& flags) {
  ASSIGN_OR_RETURN(const std::unique_ptr<Client> client, flags.connection.Connect());
  RETURN_IF_ERROR(client->UnloadModel(flags.model));
  return flags.json ? ActionJson(flags.model, "", "unloaded") : ActionText(flags.model, "", "unloaded");
}

}  // namespace beak::cli
