#include "engine/tools/convert.h"

#include "engine/base/file.h"
#include "engine/base/status.h"
#include "engine/formats/format.h"
#include "engine/formats/onnx/onnx_writer.h"

namespace beak::tools {

absl::Status Convert(const ConvertOptions& options, std::ostream& out) {
  ASSIGN_OR_RETURN(const Graph graph, ReadModelFile(options.file));
  const absl::StatusOr<std::string> bytes = WriteOnnx(graph);
  if (!bytes.ok()) return Annotate(bytes.status(), absl::StrCat("'", options.file, "'"));
  RETURN_IF_ERROR(WriteFileAtomically(options.output, *bytes));
  out << options.output << ": ONNX opset " << kOnnxOpset << ", " << graph.nodes().size() << " nodes, " << bytes->size()
      << " bytes\n";
  return absl::OkStatus();
}

}  // namespace beak::tools
