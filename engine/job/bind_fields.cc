#include "engine/job/bind_fields.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/formats/beak/layer_order.h"
#include "proto/beak/v1/train.pb.h"

namespace beak {
namespace {

using network_format::Quoted;

constexpr size_t kMaxNamesTold = 20;

std::string Names(const std::vector<std::string>& names) {
  std::vector<std::string> told;
  for (const std::string& name : names) {
    if (told.size() < kMaxNamesTold) told.push_back(Quoted(name));
  }
  if (told.size() < names.size()) told.push_back("...");
  return told.empty() ? "none" : absl::StrJoin(told, ", ");
}

std::vector<std::string> NamesOf(const Graph& graph, const std::vector<ValueId>& ids) {
  std::vector<std::string> names;
  for (const ValueId id : ids) names.push_back(graph.value(id).name);
  return names;
}

std::optional<size_t> Find(const std::vector<std::string>& names, const std::string& name) {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) return std::nullopt;
  return static_cast<size_t>(found - names.begin());
}

class Binder {
 public:
  Binder(const v1::TrainJobSpec& spec, const data::Schema& schema, const Graph& network,
         std::vector<std::string>& lines)
      : spec_(spec),
        schema_(schema),
        inputs_(NamesOf(network, network.inputs())),
        outputs_(NamesOf(network, network.outputs())),
        lines_(lines),
        bound_(inputs_.size()) {
    for (const data::Field& field : schema.fields) fields_.push_back(field.name);
  }

  std::optional<FieldBinding> Bind() {
    const size_t before = lines_.size();
    binding_.normalising.resize(inputs_.size());
    for (int i = 0; i < spec_.input_size(); ++i) BindInput(spec_.input(i), absl::StrCat("input[", i, "]"));
    FindLosses();
    if (lines_.size() == before) BindRest();
    if (lines_.size() > before) return std::nullopt;
    for (const std::optional<size_t>& field : bound_) binding_.inputs.push_back(*field);
    return std::move(binding_);
  }

 private:
  void Report(const std::string& place, const std::string& text) { lines_.push_back(absl::StrCat(place, ": ", text)); }

  std::optional<size_t> FindField(const std::string& name, const std::string& place) {
    const std::optional<size_t> field = Find(fields_, name);
    if (!field) {
      Report(place, absl::StrCat("expected one of the data's fields ", Names(fields_), ", got ", Quoted(name)));
    }
    return field;
  }

  // ---------------------------------------------------------------- inputs that the job names

  void BindInput(const v1::InputBinding& binding, const std::string& place) {
    const std::optional<size_t> field = FindField(binding.field(), absl::StrCat(place, ".field"));
    std::optional<size_t> input = Find(inputs_, binding.input().empty() ? binding.field() : binding.input());
    if (!input && binding.input().empty() && inputs_.size() == 1) input = 0;
    if (!input) {
      return Report(absl::StrCat(place, ".input"), absl::StrCat("expected one of the network's inputs ", Names(inputs_),
                                                                ", got ", Quoted(binding.input())));
    }
    if (!field) return;
    if (bound_[*input]) {
      return Report(place, absl::StrCat("expected a field for another input, ", Quoted(inputs_[*input]), " has one"));
    }
    bound_[*input] = *field;
    binding_.normalising[*input] = &binding;
  }

  // ---------------------------------------------------------------- losses

  void FindLosses() {
    static const auto* const default_loss = new v1::Loss();
    const int count = std::max(spec_.training().loss_size(), 1);
    std::set<std::string> taken;
    for (int i = 0; i < count; ++i) {
      const v1::Loss& loss = spec_.training().loss_size() == 0 ? *default_loss : spec_.training().loss(i);
      BoundLoss bound = {&loss, absl::StrCat("training.loss[", i, "]")};
      FindOutput(bound);
      if (!bound.output.empty() && !taken.insert(bound.output).second) {
        Report(bound.place, absl::StrCat("expected a loss of another output, ", Quoted(bound.output), " has one"));
      }
      if (!loss.target().empty()) {
        const std::optional<size_t> target = FindField(loss.target(), absl::StrCat(bound.place, ".target"));
        if (target) named_targets_.insert(*target);
        bound.target = target.value_or(0);
      }
      binding_.losses.push_back(std::move(bound));
    }
  }

  void FindOutput(BoundLoss& bound) {
    const std::string& name = bound.loss->output();
    if (name.empty() && outputs_.size() == 1) {
      bound.output = outputs_[0];
    } else if (Find(outputs_, name)) {
      bound.output = name;
    } else {
      Report(absl::StrCat(bound.place, ".output"),
             absl::StrCat("expected one of the network's outputs ", Names(outputs_), ", got ", Quoted(name)));
    }
  }

  // ---------------------------------------------------------------- what the job leaves open

  void BindRest() {
    const size_t before = lines_.size();
    std::set<size_t> targets = named_targets_;
    for (BoundLoss& bound : binding_.losses) {
      if (!bound.loss->target().empty()) continue;
      bound.target = FindTarget(bound).value_or(0);
      targets.insert(bound.target);
    }
    if (lines_.size() > before) return;
    if (spec_.input_size() == 0) return BindInputs(targets);
    for (size_t i = 0; i < inputs_.size(); ++i) {
      if (bound_[i]) continue;
      Report("input", absl::StrCat("expected a field for the network's input ", Quoted(inputs_[i]), ", got none"));
    }
  }

  // Fields that are surely no targets that are not named: inputs that the job names, or that the network calls so.
  bool IsInput(size_t field) const {
    if (spec_.input_size() == 0) return Find(inputs_, fields_[field]).has_value();
    return std::find(bound_.begin(), bound_.end(), std::optional(field)) != bound_.end();
  }

  // Classes are the targets of a softmax, where there is one such field; else it is the field that is left.
  std::optional<size_t> FindTarget(const BoundLoss& bound) {
    const bool softmax = bound.loss->kind() == v1::Loss::SOFTMAX_CROSS_ENTROPY;
    std::vector<size_t> classes, others;
    for (size_t field = 0; field < fields_.size(); ++field) {
      const bool is_class = schema_.fields[field].num_classes > 0;
      if (is_class && !IsInput(field)) classes.push_back(field);
      if (!is_class && !IsInput(field) && named_targets_.count(field) == 0) others.push_back(field);
    }
    if (softmax && classes.size() == 1) return classes[0];
    if (others.size() == 1 && !(softmax && !classes.empty())) return others[0];
    std::vector<std::string> candidates;
    for (const size_t field : softmax && !classes.empty() ? classes : others) candidates.push_back(fields_[field]);
    Report(absl::StrCat(bound.place, ".target"),
           absl::StrCat("expected the name of a field, for the default wants only one that fits, and there are ",
                        Names(candidates)));
    return std::nullopt;
  }

  // Fields that are no targets: by name where each input has one of its name, else in order.
  void BindInputs(const std::set<size_t>& targets) {
    std::vector<std::string> names;
    std::vector<size_t> rest;
    for (size_t field = 0; field < fields_.size(); ++field) {
      if (targets.count(field) > 0) continue;
      rest.push_back(field);
      names.push_back(fields_[field]);
    }
    const auto has_field = [&names](const std::string& input) { return Find(names, input).has_value(); };
    const bool by_name = std::all_of(inputs_.begin(), inputs_.end(), has_field);
    if (!by_name && rest.size() != inputs_.size()) {
      return Report("input", absl::StrCat("expected to be told which fields are the network's inputs ", Names(inputs_),
                                          "; the data's, without targets, are ", Names(names)));
    }
    for (size_t i = 0; i < inputs_.size(); ++i) bound_[i] = rest[by_name ? *Find(names, inputs_[i]) : i];
  }

  const v1::TrainJobSpec& spec_;
  const data::Schema& schema_;
  const std::vector<std::string> inputs_;
  const std::vector<std::string> outputs_;
  std::vector<std::string>& lines_;
  std::vector<std::string> fields_;
  std::vector<std::optional<size_t>> bound_;  // a field for each input
  std::set<size_t> named_targets_;
  FieldBinding binding_;
};

}  // namespace

std::optional<FieldBinding> BindFields(const v1::TrainJobSpec& spec, const data::Schema& schema, const Graph& network,
                                       std::vector<std::string>& lines) {
  return Binder(spec, schema, network, lines).Bind();
}

data::Schema DescribeFields(const v1::DataSet& description) {
  data::Schema schema;
  const auto add = [&schema](const std::string& name, bool classes) {
    data::Field field;
    field.name = name;
    field.num_classes = classes ? 1 : 0;
    schema.fields.push_back(std::move(field));
  };
  const v1::Source& source = description.training();
  for (const v1::Arrays::Field& field : source.arrays().field()) add(field.name(), field.has_classes());
  for (const v1::Csv::Field& field : source.csv().field()) add(field.name(), field.has_classes());
  if (source.has_cifar10() || source.has_image_folder()) {
    add("image", false);
    add("label", true);
  }
  return schema;
}

}  // namespace beak
