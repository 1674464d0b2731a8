#pragma once

#include <map>
#include <string>

#include "engine/graph/graph.h"

namespace beak {

// What a model repository is to know of a trained network, besides the network itself. A value type.
struct ModelConfigFacts {
  std::string model;                              // its name
  std::string labels_output;                      // the output that labels.txt is of; empty: none
  std::map<std::string, std::string> parameters;  // for clients, as config.pbtxt has them
};

// A config.pbtxt (the text of an inference.ModelConfig) of an ONNX file with this graph: batches of up to 64 where the
// first dimension of every input and output is free. Shapes are those that shape inference finds; what it cannot find
// is left for the server to complete.
std::string ModelConfigText(const Graph& network, const ModelConfigFacts& facts);

}  // namespace beak
