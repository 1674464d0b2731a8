#include "engine/runtime/compile.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "engine/base/limits.h"
#include "engine/base/parallel.h"
#include "engine/base/status.h"
#include "engine/ops/op.h"
#include "engine/passes/passes.h"
#include "engine/runtime/flops.h"
#include "engine/runtime/memory_planner.h"

namespace beak {
namespace {

constexpr int kNoStorage = -1;

// A piece of the arena (or a constant) before it has an offset.
struct Storage {
  BufferLifetime lifetime;
  std::shared_ptr<const Buffer> constant;  // set: no arena memory
  std::vector<ValueId> values;             // whose elements lie here
  bool pinned = false;                     // read after the last step
};

// One place where a value lies, in one layout.
struct Copy {
  Layout layout;
  int storage = kNoStorage;
};

// A step whose operands are storages.
struct DraftStep {
  Program::Step step;
  std::vector<int> inputs;
  std::vector<int> outputs;
  size_t scratch_bytes = 0;
};

class Compiler {
 public:
  Compiler(const Graph& graph, const Backend& backend, ConstantStore& store, int threads)
      : graph_(graph),
        backend_(backend),
        store_(store),
        threads_(threads),
        policy_(backend.choose_policy ? backend.choose_policy(graph) : 0),
        copies_(graph.num_values()) {
    const Uses uses(graph);
    for (ValueId id = 0; id < graph.num_values(); ++id) {
      pending_.push_back(static_cast<int>(uses.consumers(id).size()));
      is_output_.push_back(uses.is_output(id));
    }
  }

  absl::StatusOr<std::shared_ptr<const Program>> Run() {
    for (const ValueId input : graph_.inputs()) NewStorage(PlainLayout(input), input);
    for (const Node& node : graph_.nodes()) {
      if (absl::Status status = AddNode(node); !status.ok()) {
        return Annotate(status, absl::StrCat("node '", node.name, "' (", node.op, ")"));
      }
    }
    std::vector<int> outputs;
    for (const ValueId output : graph_.outputs()) {
      ASSIGN_OR_RETURN(const int storage, CopyIn(output, PlainLayout(output)));
      storages_[storage].pinned = true;
      outputs.push_back(storage);
    }
    return Finish(outputs);
  }

 private:
  int now() const { return static_cast<int>(steps_.size()); }

  DType DTypeOfValue(ValueId id) const { return graph_.value(id).type.dtype; }
  Shape ShapeOf(ValueId id) const { return ToShape(*graph_.value(id).type.shape); }
  Layout PlainLayout(ValueId id) const { return Layout::Plain(DTypeOfValue(id), ShapeOf(id)); }

  int NewStorage(const Layout& layout, ValueId value) {
    Storage storage;
    storage.lifetime = {layout.byte_size(), now(), now()};
    storage.values = {value};
    storages_.push_back(std::move(storage));
    const int index = static_cast<int>(storages_.size()) - 1;
    copies_[value].push_back({layout, index});
    return index;
  }

  // What is known of one operand. `layout` is where the value lies first: as its producer left it.
  OperandInfo Describe(ValueId id, bool is_input) const {
    OperandInfo info;
    if (id == kNoValue) return info;
    info.present = true;
    info.dtype = DTypeOfValue(id);
    info.shape = ShapeOf(id);
    info.layout = copies_[id].empty() ? PlainLayout(id) : copies_[id].front().layout;
    const std::optional<Tensor>& constant = graph_.value(id).constant;
    info.is_constant = is_input && constant.has_value();
    if (info.is_constant && constant->has_bytes()) info.constant = &*constant;
    return info;
  }

  absl::StatusOr<KernelPlan> ChooseKernel(const KernelRequest& request) const {
    const auto list = backend_.kernels.find(request.node.op);
    std::string refusals;
    if (list != backend_.kernels.end()) {
      for (const KernelEntry& entry : list->second) {
        absl::StatusOr<KernelPlan> plan = entry.factory(request);
        if (plan.ok()) return plan;
        absl::StrAppend(&refusals, refusals.empty() ? "" : "; ", entry.name, ": ", plan.status().message());
      }
    }
    return absl::UnimplementedError(
        absl::StrCat("no kernel accepts it: ", refusals.empty() ? "none exists" : refusals));
  }

  // The constant's bytes in a layout: shared through the store, or the program's own where it was folded for it.
  int AddConstant(ValueId id, const Layout& layout) {
    std::shared_ptr<const Buffer> buffer = store_.Get(graph_.value(id).name, layout);
    if (buffer == nullptr) buffer = PackConstant(graph_.value(id).constant->buffer(), layout);
    const int storage = NewStorage(layout, id);
    storages_[storage].constant = std::move(buffer);
    return storage;
  }

  // The storage that holds `id` in `layout`, by a reorder step where there is none yet.
  absl::StatusOr<int> CopyIn(ValueId id, const Layout& layout) {
    for (const Copy& copy : copies_[id]) {
      if (copy.layout == layout) return copy.storage;
    }
    if (graph_.value(id).constant) return AddConstant(id, layout);
    const Copy from = copies_[id].front();
    return AddReorder(id, from, layout);
  }

  absl::StatusOr<int> AddReorder(ValueId id, const Copy& from, const Layout& to) {
    ASSIGN_OR_RETURN(KernelPlan plan, backend_.reorder(DTypeOfValue(id), ShapeOf(id), from.layout, to, threads_));
    const int storage = NewStorage(to, id);
    DraftStep draft;
    draft.step.name = graph_.value(id).name;
    draft.step.op = "Reorder";
    draft.step.layouts = absl::StrCat(from.layout.ToString(), " -> ", to.ToString());
    draft.inputs = {from.storage};
    draft.outputs = {storage};
    AddStep(std::move(draft), std::move(plan));
    return storage;
  }

  void AddStep(DraftStep draft, KernelPlan plan) {
    for (const int storage : draft.inputs) Touch(storage);
    for (const int storage : draft.outputs) Touch(storage);
    draft.step.kernel_name = std::move(plan.name);
    draft.step.kernel = std::move(plan.kernel);
    draft.scratch_bytes = plan.scratch_bytes;
    steps_.push_back(std::move(draft));
  }

  void Touch(int storage) {
    if (storage != kNoStorage)
      storages_[storage].lifetime.last_step = std::max(storages_[storage].lifetime.last_step, now());
  }

  // True when nothing but operand `input` of the node at hand (whose uses are no longer pending) needs this storage.
  bool Disposable(int input, const std::vector<int>& inputs) const {
    const Storage& storage = storages_[inputs[input]];
    if (storage.constant != nullptr || storage.pinned) return false;
    for (const ValueId value : storage.values) {
      if (pending_[value] > 0 || is_output_[value]) return false;
    }
    return std::count(inputs.begin(), inputs.end(), inputs[input]) == 1;
  }

  // Output 0 takes the place of one of the inputs.
  void Share(int storage, ValueId output, const Layout& layout) {
    storages_[storage].values.push_back(output);
    copies_[output].push_back({layout, storage});
  }

  // A view of a value that lies plain in memory: the same bytes, another shape.
  absl::Status AddView(const Node& node) {
    ASSIGN_OR_RETURN(const int storage, CopyIn(node.inputs[0], PlainLayout(node.inputs[0])));
    Share(storage, node.outputs[0], PlainLayout(node.outputs[0]));
    return absl::OkStatus();
  }

  absl::Status AddNode(const Node& node) {
    KernelRequest request{node, {}, {}, threads_, policy_};
    for (const ValueId id : node.inputs) request.inputs.push_back(Describe(id, true));
    for (const ValueId id : node.outputs) request.outputs.push_back(Describe(id, false));
    ASSIGN_OR_RETURN(KernelPlan plan, ChooseKernel(request));
    for (const ValueId id : node.inputs) {
      if (id != kNoValue) --pending_[id];
    }
    if (plan.view) return AddView(node);

    DraftStep draft;
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      if (node.inputs[i] == kNoValue) {
        draft.inputs.push_back(kNoStorage);
        continue;
      }
      ASSIGN_OR_RETURN(const int storage, CopyIn(node.inputs[i], plan.input_layouts[i]));
      draft.inputs.push_back(storage);
    }
    RETURN_IF_ERROR(AddOutputs(node, plan, draft));
    draft.step.name = node.name;
    draft.step.op = node.op;
    draft.step.flops = CountFlops(request);
    draft.step.layouts = absl::StrCat(plan.input_layouts.empty() ? "" : plan.input_layouts[0].ToString(), " -> ",
                                      plan.output_layouts[0].ToString());
    AddStep(std::move(draft), std::move(plan));
    return absl::OkStatus();
  }

  absl::Status AddOutputs(const Node& node, const KernelPlan& plan, DraftStep& draft) {
    int shared = KernelPlan::kNone;
    if (plan.accumulates_into != KernelPlan::kNone) {
      shared = plan.accumulates_into;
      if (!Disposable(shared, draft.inputs)) {
        const Layout& layout = plan.output_layouts[0];
        ASSIGN_OR_RETURN(draft.inputs[shared], AddReorder(node.inputs[shared], {layout, draft.inputs[shared]}, layout));
      }
    } else if (plan.may_overwrite != KernelPlan::kNone && Disposable(plan.may_overwrite, draft.inputs) &&
               storages_[draft.inputs[plan.may_overwrite]].lifetime.bytes == plan.output_layouts[0].byte_size()) {
      shared = plan.may_overwrite;
    }
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      if (node.outputs[i] == kNoValue) {
        draft.outputs.push_back(kNoStorage);
      } else if (i == 0 && shared != KernelPlan::kNone) {
        Share(draft.inputs[shared], node.outputs[0], plan.output_layouts[0]);
        draft.outputs.push_back(draft.inputs[shared]);
      } else {
        draft.outputs.push_back(NewStorage(plan.output_layouts[i], node.outputs[i]));
      }
    }
    return absl::OkStatus();
  }

  absl::StatusOr<std::shared_ptr<const Program>> Finish(const std::vector<int>& outputs) {
    std::vector<BufferLifetime> lifetimes;
    for (Storage& storage : storages_) {
      if (storage.pinned) storage.lifetime.last_step = now();
      if (storage.constant != nullptr) storage.lifetime.bytes = 0;
      lifetimes.push_back(storage.lifetime);
    }
    for (int i = 0; i < now(); ++i) lifetimes.push_back({steps_[i].scratch_bytes, i, i});
    const ArenaPlan arena = PlanArena(lifetimes);
    if (arena.arena_bytes > static_cast<size_t>(limits::kMaxWorkspaceBytes)) {
      return absl::ResourceExhaustedError(
          absl::StrCat("workspace: expected at most ", limits::kMaxWorkspaceBytes, " bytes, got ", arena.arena_bytes));
    }
    Program::Parts parts;
    parts.threads = threads_;
    parts.arena_bytes = arena.arena_bytes;
    for (int i = 0; i < now(); ++i) {
      DraftStep& draft = steps_[i];
      for (const int storage : draft.inputs) draft.step.inputs.push_back(Locate(storage, arena));
      for (const int storage : draft.outputs) draft.step.outputs.push_back(Locate(storage, arena));
      draft.step.scratch_offset = arena.offsets[storages_.size() + i];
      parts.steps.push_back(std::move(draft.step));
    }
    for (size_t i = 0; i < graph_.inputs().size(); ++i) {
      const ValueId id = graph_.inputs()[i];
      parts.inputs.push_back({graph_.value(id).name, DTypeOfValue(id), ShapeOf(id)});
      parts.input_locations.push_back(Locate(copies_[id].front().storage, arena));
    }
    for (size_t i = 0; i < outputs.size(); ++i) {
      const ValueId id = graph_.outputs()[i];
      parts.outputs.push_back({graph_.value(id).name, DTypeOfValue(id), ShapeOf(id)});
      parts.output_locations.push_back(Locate(outputs[i], arena));
    }
    return std::make_shared<const Program>(std::move(parts));
  }

  Program::Location Locate(int storage, const ArenaPlan& arena) const {
    if (storage == kNoStorage) return {};
    const Storage& from = storages_[storage];
    if (from.constant != nullptr) return {Program::Location::kConstant, 0, from.constant->size(), from.constant};
    return {Program::Location::kArena, arena.offsets[storage], from.lifetime.bytes, nullptr};
  }

  const Graph& graph_;
  const Backend& backend_;
  ConstantStore& store_;
  const int threads_;
  const int policy_;
  std::vector<std::vector<Copy>> copies_;  // per value
  std::vector<int> pending_;               // per value: node inputs that have not been compiled yet
  std::vector<bool> is_output_;            // per value
  std::vector<Storage> storages_;
  std::vector<DraftStep> steps_;
};

absl::Status SetInputShapes(Graph& graph, const std::vector<Shape>& shapes) {
  if (shapes.size() != graph.inputs().size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("inputs: expected ", graph.inputs().size(), " shapes, got ", shapes.size()));
  }
  for (size_t i = 0; i < shapes.size(); ++i) {
    Value& value = graph.mutable_value(graph.inputs()[i]);
    if (absl::StatusOr<int64_t> bytes = CheckedByteSize(shapes[i], value.type.dtype); !bytes.ok()) {
      return Annotate(bytes.status(), absl::StrCat("input '", value.name, "'"));
    }
    value.type.shape = ToPartial(shapes[i]);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Program>> Compile(const Graph& graph, const CompileOptions& options,
                                                       const Backend& backend, ConstantStore& store) {
  Graph lowered = graph;
  RETURN_IF_ERROR(SetInputShapes(lowered, options.input_shapes));
  RETURN_IF_ERROR(RunShapePasses(lowered, backend.evaluate));
  SetOpenMpThreads(options.threads);  // oneDNN fixes a primitive's threads when it is created
  return Compiler(lowered, backend, store, options.threads).Run();
}

}  // namespace beak
