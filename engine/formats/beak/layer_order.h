#pragma once

#include <string>
#include <vector>

namespace beak::v1 {
class Network;
}

namespace beak::network_format {

// Where the tensors of a description come from: its inputs have the numbers 0 .. n-1, its layers those from n on, in
// the order of the text.
struct LayerOrder {
  std::vector<std::vector<int>> sources;  // by layer; -1 where a name is unknown
  std::vector<int> sequence;              // layers, each behind its sources; those in circles are left out
  std::vector<int> outputs;               // numbers of tensors
};

// A name from a description for an error's text: in quotes, printable, and not too long.
std::string Quoted(const std::string& name);

// Resolves names. What is wrong with them is added to `errors`: "layer 'x': input: expected ...".
LayerOrder OrderLayers(const v1::Network& network, std::vector<std::string>& errors);

}  // namespace beak::network_format
