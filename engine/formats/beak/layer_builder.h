#pragma once

#include <google/protobuf/repeated_field.h>

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/formats/beak/network.h"
#include "engine/graph/graph.h"
#include "proto/beak/v1/network.pb.h"

namespace beak::network_format {

using Ints = std::vector<int64_t>;

// A parameter that a layer wants.
struct ParameterRequest {
  const char* what;  // "kernel"
  ParameterRole role;
  Shape shape;
  const v1::Parameter& options;
  Initializer fallback = {};     // where the options leave the kind open
  WeightGeometry geometry = {};  // of the layer's kernel
  int unit_axis = 0;
  bool learned = true;  // by the optimiser
};

// Collects the nodes and parameters of one layer in a small graph of their own, so that shapes are inferred with the
// operators' own rules, layer by layer, and a layer that is wrong leaves nothing behind. *Thread-compatible.*
class LayerBuilder {
 public:
  // `sources`: what is known of the values that the layer reads. `layer` and `network` must outlive the builder;
  // parameters and the like are added to `network`, but nothing to its graph.
  LayerBuilder(const v1::Layer& layer, const std::vector<Value>& sources, DescribedNetwork& network);

  int num_inputs() const { return static_cast<int>(graph_.inputs().size()); }
  ValueId input(int i = 0) const { return graph_.inputs()[i]; }
  const PartialShape& shape(int i = 0) const { return *graph_.value(input(i)).type.shape; }  // the batch first
  // The sizes of input 0 by name of what they are, or INVALID_ARGUMENT: "input: expected ..., got [64, 5, 5]".
  absl::Status ExpectSpatial(size_t dimensions) const;  // [channels, ...]
  absl::StatusOr<int64_t> Channels() const;             // known ones
  absl::StatusOr<Shape> SampleShape() const;            // all of them known
  // The error of an input that does not fit: `expected` says what would.
  absl::Status WrongInput(const std::string& expected) const;

  // Adds a node "op" and returns its only output.
  ValueId Emit(const std::string& op, std::vector<ValueId> inputs, AttributeMap attributes = {});
  // The same for a node with `count` outputs.
  std::vector<ValueId> EmitMany(const std::string& op, std::vector<ValueId> inputs, int64_t count,
                                AttributeMap attributes);
  // A constant that is no parameter.
  ValueId AddConstant(const std::string& what, Tensor tensor);
  // RESOURCE_EXHAUSTED where it is too large.
  absl::StatusOr<ValueId> AddParameter(const ParameterRequest& request);
  // Say that the layer's result comes from a node of that kind.
  void AddDropout(bool spatial);
  void AddBatchNormalization(bool unbiased_variance);

  // Infers the layer's shapes and puts it into `graph`, reading the given values; the layer's result, `last` of this
  // builder, gets the layer's name. Returns its id there.
  absl::StatusOr<ValueId> Finish(ValueId last, const std::vector<ValueId>& sources, Graph& graph);

 private:
  const v1::Layer& layer_;
  DescribedNetwork& network_;
  Graph graph_;
};

// `count` numbers from a list that has one for all, or one each; `fallback` where it is empty. INVALID_ARGUMENT names
// the field.
absl::StatusOr<Ints> Spread(const char* field, const google::protobuf::RepeatedField<int32_t>& given, size_t count,
                            int64_t fallback);
// Begins and then ends of `count` dimensions, from one number, one for each dimension, or all.
absl::StatusOr<Ints> SpreadPads(const char* field, const google::protobuf::RepeatedField<int32_t>& given, size_t count,
                                int64_t fallback);

}  // namespace beak::network_format
