#include "engine/job/fit_network.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/formats/beak/layer_order.h"
#include "engine/job/training_options.h"
#include "engine/ops/dims.h"
#include "engine/ops/op.h"
#include "engine/train/batch_program.h"
#include "proto/beak/v1/train.pb.h"

namespace beak {
namespace {

using network_format::Quoted;

std::string TypeText(DType dtype, const std::string& shape) { return absl::StrCat(NameOf(dtype), " ", shape); }

std::string TypeText(const data::Field& field) { return TypeText(field.dtype, ToString(field.shape)); }

PartialShape WithoutOnes(const PartialShape& shape) {
  PartialShape rest;
  const auto is_one = [](const Dim& dim) { return dim.known() && dim.value() == 1; };
  std::remove_copy_if(shape.begin(), shape.end(), std::back_inserter(rest), is_one);
  return rest;
}

bool Agree(const PartialShape& a, const PartialShape& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), MayBeEqual);
}

// The shape in which a sample of `field` goes into what wants `declared`; none where it does not fit. Dimensions of 1
// may be anywhere: its bytes are the same.
std::optional<Shape> FitSample(const Shape& field, const PartialShape& declared) {
  if (Agree(ToPartial(field), declared)) return field;
  if (!IsStatic(declared) || !Agree(WithoutOnes(ToPartial(field)), WithoutOnes(declared))) return std::nullopt;
  return ToShape(declared);
}

class InputFitter {
 public:
  InputFitter(const Value& input, const data::Field& field, std::vector<std::string>& lines)
      : input_(input), field_(field), lines_(lines) {}

  Shape Fit() {
    const std::optional<PartialShape>& whole = input_.type.shape;
    if (whole && whole->empty()) return Wrong("no batches, []");
    const auto declared = whole ? std::optional(PartialShape(whole->begin() + 1, whole->end())) : std::nullopt;
    const std::string expected =
        TypeText(input_.type.dtype, declared ? ToString(*declared) : std::string("of any shape"));
    if (field_.dtype != input_.type.dtype || !IsStatic(field_.shape)) return Wrong(expected);
    const Shape shape = ToShape(field_.shape);
    const std::optional<Shape> fitted = declared ? FitSample(shape, *declared) : std::optional(shape);
    return fitted ? *fitted : Wrong(expected);
  }

 private:
  Shape Wrong(const std::string& expected) {
    lines_.push_back(absl::StrCat("input: field ", Quoted(field_.name), ": expected ", expected,
                                  " for the network's input ", Quoted(input_.name), ", got ", TypeText(field_),
                                  IsStatic(field_.shape) ? "" : "; a transform has to bring samples to one size"));
    return {};
  }

  const Value& input_;
  const data::Field& field_;
  std::vector<std::string>& lines_;
};

class LossFitter {
 public:
  LossFitter(const BoundLoss& bound, const data::Field& target, const TensorType& output, int64_t rows,
             std::vector<std::string>& lines)
      : bound_(bound),
        target_(target),
        dtype_(output.dtype),
        output_(ToShape(*output.shape)),
        rows_(rows),
        lines_(lines) {}

  Loss Fit() {
    Loss loss = ToOptions(*bound_.loss);
    loss.output = bound_.output;
    if (output_.empty() || output_[0] != rows_) {
      Report(absl::StrCat("expected an output with the batch first, as many rows as the inputs (", rows_, "), got ",
                          ToString(output_)));
    } else if (dtype_ != DType::kFloat32) {
      Report(absl::StrCat("expected an output of float32, got ", NameOf(dtype_)));
    } else if (loss.kind == Loss::Kind::kSoftmaxCrossEntropy) {
      FitClasses(loss);
    } else {
      ExpectTarget(DType::kFloat32, {output_.begin() + 1, output_.end()});
    }
    return loss;
  }

 private:
  void Report(const std::string& text) {
    lines_.push_back(absl::StrCat(bound_.place, ": output ", Quoted(bound_.output), ": ", text));
  }

  void FitClasses(const Loss& loss) {
    if (output_.size() < 2) {
      return Report(absl::StrCat("expected shape [batch, classes, ...], got ", ToString(output_)));
    }
    const int64_t classes = output_[1];
    Shape positions(output_.begin() + 1, output_.end());
    positions.erase(positions.begin());
    ExpectTarget(DType::kInt64, positions);
    if (target_.num_classes > classes) {
      Report(absl::StrCat("expected at least ", target_.num_classes, " classes, as field ", Quoted(target_.name),
                          " has, got ", classes));
    }
    const size_t weights = loss.class_weights.size();
    if (weights > 0 && static_cast<int64_t>(weights) != classes) {
      Report(absl::StrCat("class_weight: expected ", classes, " numbers, one a class, got ", weights));
    }
  }

  void ExpectTarget(DType dtype, const Shape& shape) {
    const bool fits = target_.dtype == dtype && IsStatic(target_.shape) &&
                      FitSample(ToShape(target_.shape), ToPartial(shape)).has_value();
    if (fits) return;
    Report(absl::StrCat("expected a target of ", TypeText(dtype, ToString(shape)), ", got field ", Quoted(target_.name),
                        " of ", TypeText(target_)));
  }

  const BoundLoss& bound_;
  const data::Field& target_;
  const DType dtype_;
  const Shape output_;
  const int64_t rows_;
  std::vector<std::string>& lines_;
};

}  // namespace

std::vector<Shape> FitInputs(const FieldBinding& binding, const data::Schema& schema, const Graph& network,
                             std::vector<std::string>& lines) {
  std::vector<Shape> shapes;
  for (size_t i = 0; i < binding.inputs.size(); ++i) {
    const Value& input = network.value(network.inputs()[i]);
    shapes.push_back(InputFitter(input, schema.fields[binding.inputs[i]], lines).Fit());
  }
  return shapes;
}

FittedLosses FitLosses(const FieldBinding& binding, const data::Schema& schema, const Graph& network,
                       const std::vector<Shape>& row_shapes, int64_t rows, std::vector<std::string>& lines) {
  FittedLosses fitted;
  Graph batch = network;
  const std::vector<Shape> shapes = WithRows(row_shapes, rows);
  for (size_t i = 0; i < shapes.size(); ++i) {
    batch.mutable_value(batch.inputs()[i]).type.shape = ToPartial(shapes[i]);
  }
  if (const absl::Status status = InferShapes(batch, /*require_static=*/true); !status.ok()) {
    lines.push_back(absl::StrCat("network: with batches of ", rows, ": ", std::string(status.message())));
    return fitted;
  }
  const size_t before = lines.size();
  for (const BoundLoss& bound : binding.losses) {
    const TensorType& output = batch.value(batch.FindValue(bound.output)).type;
    fitted.losses.push_back(LossFitter(bound, schema.fields[bound.target], output, rows, lines).Fit());
    fitted.outputs.push_back(ToShape(*output.shape));
  }
  if (lines.size() > before) return fitted;
  // What is left, as the axis of a softmax.
  const absl::Status status = MakeEvaluationGraph(network, shapes, fitted.losses).status();
  if (!status.ok()) lines.push_back(absl::StrCat("training.loss: ", std::string(status.message())));
  return fitted;
}

}  // namespace beak
