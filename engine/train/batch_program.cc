#include "engine/train/batch_program.h"

#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/parallel.h"
#include "engine/base/status.h"
#include "engine/runtime/compile.h"
#include "engine/runtime/constant_store.h"

namespace beak {
namespace {

constexpr size_t kWorthATeam = size_t{1} << 18;  // bytes that take longer to copy than a team to wake

void Copy(std::span<const std::byte> from, std::span<std::byte> to, int threads) {
  ParallelFor(threads, [&](int thread) {
    const Range part = PartOf(static_cast<int64_t>(from.size()), thread, threads);
    if (part.begin < part.end) {
      std::memcpy(to.data() + part.begin, from.data() + part.begin, static_cast<size_t>(part.end - part.begin));
    }
  });
}

}  // namespace

std::vector<Shape> WithRows(std::vector<Shape> row_shapes, int64_t rows) {
  for (Shape& shape : row_shapes) shape.insert(shape.begin(), rows);
  return row_shapes;
}

absl::StatusOr<BatchProgram> BatchProgram::Create(Graph graph, int threads, const Backend& backend) {
  CompileOptions options;
  options.threads = threads;
  for (const ValueId input : graph.inputs()) options.input_shapes.push_back(ToShape(*graph.value(input).type.shape));
  ConstantStore constants(graph);  // the program keeps those that it needs
  ASSIGN_OR_RETURN(std::shared_ptr<const Program> program, Compile(graph, options, backend, constants));
  return BatchProgram(std::move(program));
}

absl::Status BatchProgram::SetInput(size_t i, std::span<const std::byte> bytes) {
  if (workspace_ == nullptr) workspace_ = program_->CreateWorkspace();
  const std::span<std::byte> to = workspace_->input(static_cast<int>(i));
  if (bytes.size() != to.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", program_->inputs()[i].name, "': expected ", to.size(), " bytes a batch, got ", bytes.size()));
  }
  Copy(bytes, to, bytes.size() < kWorthATeam ? 1 : program_->threads());
  return absl::OkStatus();
}

absl::Status BatchProgram::SetBatch(const TrainingBatch& batch) {
  size_t input = 0;
  for (const auto* part : {&batch.inputs, &batch.targets}) {
    for (const std::span<const std::byte> bytes : *part) RETURN_IF_ERROR(SetInput(input++, bytes));
  }
  return absl::OkStatus();
}

std::span<float> BatchProgram::output(size_t i) const {
  const std::span<const std::byte> bytes = workspace_->output(static_cast<int>(i));
  // The workspace is ours: what a run has left there may be changed before the next one.
  auto* const values = reinterpret_cast<float*>(const_cast<std::byte*>(bytes.data()));
  return {values, bytes.size() / sizeof(float)};
}

}  // namespace beak
