#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "engine/data/schema.h"
#include "engine/graph/graph.h"

namespace beak {

namespace v1 {
class DataSet;
class InputBinding;
class Loss;
class TrainJobSpec;
}  // namespace v1

// A loss of a job with what it leaves open.
struct BoundLoss {
  const v1::Loss* loss = nullptr;  // of the job, or the default one
  std::string place;               // "training.loss[0]"
  std::string output;              // of the network
  size_t target = 0;               // a field
};

// Which fields of the data go where.
struct FieldBinding {
  std::vector<size_t> inputs;                        // a field each
  std::vector<const v1::InputBinding*> normalising;  // what the job says of each input; null where it is nothing
  std::vector<BoundLoss> losses;
};

// Finds the inputs and targets of a network among the fields of data, as a job names them or by the defaults of
// train.proto. Adds a line for everything that cannot be bound; none then. The result refers to `spec`.
std::optional<FieldBinding> BindFields(const v1::TrainJobSpec& spec, const data::Schema& schema, const Graph& network,
                                       std::vector<std::string>& lines);

// What a description tells of the fields before its files are opened: their names, and which are classes (of an unknown
// number: 1).
data::Schema DescribeFields(const v1::DataSet& description);

}  // namespace beak
