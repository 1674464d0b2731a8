#include "engine/formats/beak/network_reader.h"

#include "absl/strings/str_cat.h"
#include "engine/base/file.h"
#include "engine/base/status.h"
#include "engine/formats/beak/parse_text.h"
#include "proto/beak/v1/network.pb.h"

namespace beak {

absl::StatusOr<v1::Network> ParseNetwork(const std::string& text) {
  v1::Network network;
  RETURN_IF_ERROR(ParseText(text, kMaxNetworkTextBytes, network));
  return network;
}

absl::StatusOr<DescribedNetwork> ReadNetworkFile(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(path, kMaxNetworkTextBytes));
  const absl::StatusOr<v1::Network> description = ParseNetwork(text);
  if (!description.ok()) return Annotate(description.status(), absl::StrCat("'", path, "'"));
  absl::StatusOr<DescribedNetwork> network = BuildNetwork(*description);
  if (!network.ok()) return Annotate(network.status(), absl::StrCat("'", path, "'"));
  return network;
}

}  // namespace beak
