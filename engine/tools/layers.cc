#include "engine/tools/layers.h"

#include <algorithm>

#include "absl/strings/str_format.h"
#include "engine/base/status.h"
#include "engine/formats/beak/network_reader.h"

namespace beak::tools {
namespace {

// Elements of the parameters that an optimiser changes.
int64_t CountTrainable(const DescribedNetwork& network) {
  int64_t count = 0;
  for (const ParameterSpec& spec : network.parameters) count += spec.trainable ? NumElements(spec.shape) : 0;
  return count;
}

}  // namespace

absl::Status PrintLayers(const LayersOptions& options, std::ostream& out) {
  ASSIGN_OR_RETURN(const DescribedNetwork network, ReadNetworkFile(options.file));
  size_t name_width = 0, kind_width = 0, shape_width = 0;
  for (const LayerSpec& layer : network.layers) {
    name_width = std::max(name_width, layer.name.size());
    kind_width = std::max(kind_width, layer.kind.size());
    shape_width = std::max(shape_width, ToString(layer.output).size());
  }
  int64_t total = 0;
  for (const LayerSpec& layer : network.layers) {
    out << absl::StreamFormat("%-*s  %-*s  %-*s  %10d\n", name_width, layer.name, kind_width, layer.kind, shape_width,
                              ToString(layer.output), layer.num_parameters);
    total += layer.num_parameters;
  }
  out << absl::StreamFormat("parameters: %d, of which %d are learned\n", total, CountTrainable(network));
  return absl::OkStatus();
}

}  // namespace beak::tools
