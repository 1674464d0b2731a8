#include "engine/simd/gemm.h"

#include <algorithm>

#include "engine/base/parallel.h"
#include "engine/base/status.h"
#include "engine/onednn/kernels.h"
#include "engine/ops/clamp.h"

namespace beak::onednn {
namespace {

// Where the elements of the matrix B lie in its plain tensor.
struct MatrixStrides {
  int64_t row = 0;
  int64_t column = 0;
};

// B as simd/gemm.h packs it.
class PackedMatrix final : public OpaqueLayout {
 public:
  PackedMatrix(simd::GemmPacking packing, MatrixStrides plain) : packing_(packing), plain_(plain) {}

  size_t byte_size() const override { return packing_.packed_elements() * sizeof(float); }
  bool Equals(const OpaqueLayout& other) const override {
    const auto* same = dynamic_cast<const PackedMatrix*>(&other);
    return same != nullptr && same->packing_.k() == packing_.k() && same->packing_.n() == packing_.n() &&
           same->plain_.row == plain_.row && same->plain_.column == plain_.column;
  }
  std::string ToString() const override { return "panels"; }
  void Pack(const std::byte* plain, std::byte* packed) const override {
    packing_.Pack(reinterpret_cast<const float*>(plain), plain_.row, plain_.column, reinterpret_cast<float*>(packed));
  }
  void Unpack(const std::byte* packed, std::byte* plain) const override {
    packing_.Unpack(reinterpret_cast<const float*>(packed), plain_.row, plain_.column, reinterpret_cast<float*>(plain));
  }

 private:
  const simd::GemmPacking packing_;
  const MatrixStrides plain_;
};

// The product as it is compiled.
struct Product {
  simd::GemmPacking packing;
  MatrixStrides plain;
  int64_t rows = 0;
  bool pack_at_run = false;  // B is computed, so it is packed in each run, into the scratch
  Clamp clamp;
  int threads = 1;
};

class BoundGemm final : public BoundKernel {
 public:
  BoundGemm(const Product& product, const Operands& operands) : product_(product) {
    arguments_.m = product.rows;
    arguments_.a = reinterpret_cast<const float*>(operands.inputs[0]);
    arguments_.a_stride = product.packing.k();
    arguments_.c = reinterpret_cast<float*>(operands.outputs[0]);
    arguments_.c_stride = product.packing.n();
    arguments_.lower = product.clamp.lower;
    arguments_.upper = product.clamp.upper;
    if (operands.inputs.size() > 2) arguments_.bias = reinterpret_cast<const float*>(operands.inputs[2]);
    if (product.pack_at_run) {
      unpacked_ = reinterpret_cast<const float*>(operands.inputs[1]);
      scratch_ = reinterpret_cast<float*>(operands.scratch);
      arguments_.packed_b = scratch_;
    } else {
      arguments_.packed_b = reinterpret_cast<const float*>(operands.inputs[1]);
    }
  }

  absl::Status Run() override {
    if (product_.pack_at_run) product_.packing.Pack(unpacked_, product_.plain.row, product_.plain.column, scratch_);
    const int64_t panels = product_.packing.num_panels();
    const int threads = static_cast<int>(std::min<int64_t>(product_.threads, panels));
    ParallelFor(threads, [&](int thread) {
      const Range part = PartOf(panels, thread, threads);
      simd::Gemm(product_.packing, arguments_, part.begin, part.end);
    });
    return absl::OkStatus();
  }

 private:
  const Product& product_;
  simd::GemmArguments arguments_;
  const float* unpacked_ = nullptr;
  float* scratch_ = nullptr;
};

class GemmKernel final : public Kernel {
 public:
  explicit GemmKernel(Product product) : product_(product) {}
  std::unique_ptr<BoundKernel> Bind(const Operands& operands) const override {
    return std::make_unique<BoundGemm>(product_, operands);
  }

 private:
  const Product product_;
};

absl::Status CheckGemm(const KernelRequest& request) {
  const Node& node = request.node;
  for (const OperandInfo& input : request.inputs) {
    if (input.present && input.dtype != DType::kFloat32) return absl::UnimplementedError("element type is not float32");
  }
  if (NumElements(request.inputs[0].shape) == 0 || NumElements(request.inputs[1].shape) == 0) {
    return absl::UnimplementedError("a dimension is 0");
  }
  if (request.inputs[1].shape.size() != 2) return absl::UnimplementedError("B is not a matrix");
  if (request.inputs[0].shape.size() < 2) return absl::UnimplementedError("A is not a matrix");
  if (node.op == "MatMul") return absl::OkStatus();
  if (node.Get<int64_t>("transA", 0) != 0) return absl::UnimplementedError("A is transposed");
  if (node.Get<float>("alpha", 1) != 1) return absl::UnimplementedError("alpha is not 1");
  if (request.inputs.size() < 3 || !request.inputs[2].present) return absl::OkStatus();
  if (node.Get<float>("beta", 1) != 1) return absl::UnimplementedError("beta is not 1");
  // A row of numbers, one a column of the result.
  const Shape& bias = request.inputs[2].shape;
  if (bias.empty() || bias.back() != request.outputs[0].shape[1] || NumElements(bias) != bias.back()) {
    return absl::UnimplementedError("C is not one row");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<KernelPlan> PlanGemm(const KernelRequest& request) {
  RETURN_IF_ERROR(CheckGemm(request));
  const Shape& b = request.inputs[1].shape;
  const bool transposed = request.node.op != "MatMul" && request.node.Get<int64_t>("transB", 0) != 0;
  const int64_t k = transposed ? b[1] : b[0], n = transposed ? b[0] : b[1];
  Product product{simd::GemmPacking(k, n, BestIsa()), transposed ? MatrixStrides{1, k} : MatrixStrides{n, 1}};
  product.rows = NumElements(request.inputs[0].shape) / k;
  product.threads = request.threads;
  product.pack_at_run = !request.inputs[1].is_constant;
  const std::optional<Clamp> clamp = ClampOf(request.node);
  if (!clamp) return absl::UnimplementedError("the activation is not a clamp");
  product.clamp = *clamp;

  const auto packed = std::make_shared<PackedMatrix>(product.packing, product.plain);
  KernelPlan plan;
  plan.name = std::string("simd gemm ") + IsaName(BestIsa());
  for (const OperandInfo& input : request.inputs) plan.input_layouts.push_back(Layout::Plain(input.dtype, input.shape));
  if (product.pack_at_run) {
    plan.scratch_bytes = packed->byte_size();
  } else {
    plan.input_layouts[1] = Layout::Opaque(packed);
  }
  plan.output_layouts = {Layout::Plain(DType::kFloat32, request.outputs[0].shape)};
  plan.kernel = std::make_unique<GemmKernel>(product);
  return plan;
}

}  // namespace beak::onednn
