#include "engine/onednn/backend.h"

#include <dnnl.h>

#include "absl/strings/str_cat.h"
#include "engine/onednn/kernels.h"
#include "engine/onednn/layout_policy.h"
#include "engine/reference/reference.h"

namespace beak {
namespace {

Backend MakeReferenceBackend() {
  Backend backend;
  for (const ReferenceEntry& entry : AllReferenceKernels()) {
    backend.kernels[entry.op].push_back({"reference", PlanReference});
  }
  backend.reorder = onednn::PlanReorder;
  backend.evaluate = EvaluateReference;
  return backend;
}

Backend MakeCpuBackend() {
  Backend backend = MakeReferenceBackend();
  const auto prefer = [&](const char* name, KernelFactory factory, std::initializer_list<const char*> ops) {
    for (const char* op : ops) {
      auto& list = backend.kernels[op];
      list.insert(list.begin(), {name, factory});
    }
  };
  prefer("onednn convolution", onednn::PlanConvolution, {"Conv", "FusedConv"});
  prefer("simd winograd", onednn::PlanWinograd, {"Conv", "FusedConv"});
  prefer("onednn deconvolution", onednn::PlanDeconvolution, {"ConvTranspose"});
  prefer("onednn pooling", onednn::PlanPool, {"MaxPool", "AveragePool", "GlobalMaxPool", "GlobalAveragePool"});
  prefer("simd max pool", onednn::PlanMaxPool, {"MaxPool"});
  prefer(
      "onednn eltwise", onednn::PlanEltwise,
      {"Relu", "LeakyRelu", "Elu", "Sigmoid", "Tanh", "Softplus", "HardSwish", "Swish", "Clip", "Exp", "Sqrt", "Abs"});
  prefer("onednn binary", onednn::PlanBinary, {"Add", "Sub", "Mul", "Div", "Max", "Min"});
  prefer("onednn softmax", onednn::PlanSoftmax, {"Softmax", "LogSoftmax"});
  prefer("onednn batch normalization", onednn::PlanBatchNormalization, {"BatchNormalization"});
  prefer("onednn lrn", onednn::PlanLrn, {"LRN"});
  prefer("onednn concat", onednn::PlanConcat, {"Concat"});
  backend.choose_policy = [](const Graph& graph) { return static_cast<int>(onednn::ChooseLayoutPolicy(graph)); };
  prefer("onednn convolution backward", onednn::PlanConvolutionInputGradient, {"ConvInputGradient"});
  prefer("simd winograd", onednn::PlanWinogradInputGradient, {"ConvInputGradient"});
  prefer("onednn convolution backward", onednn::PlanConvolutionWeightGradient, {"ConvWeightGradient"});
  prefer("simd weight gradient", onednn::PlanBlockedWeightGradient, {"ConvWeightGradient"});
  prefer("simd image gradient", onednn::PlanImageWeightGradient, {"ConvWeightGradient"});
  prefer("onednn eltwise backward", onednn::PlanEltwiseGradient, {"ActivationGradient"});
  prefer("onednn batch normalization", onednn::PlanBatchNormalizationTraining, {"BatchNormalizationTraining"});
  prefer("onednn batch normalization backward", onednn::PlanBatchNormalizationGradient, {"BatchNormalizationGradient"});
  prefer("simd batch norm", onednn::PlanSimdBatchNormalizationTraining, {"BatchNormalizationTraining"});
  prefer("simd batch norm", onednn::PlanSimdBatchNormalizationGradient, {"BatchNormalizationGradient"});
  prefer("simd max pool", onednn::PlanMaxPoolGradient, {"MaxPoolGradient"});
  prefer("pool gradient", onednn::PlanAveragePoolGradient, {"AveragePoolGradient"});
  prefer("simd gemm", onednn::PlanGemm, {"Gemm", "FusedGemm", "MatMul"});
  return backend;
}

}  // namespace

const Backend& CpuBackend() {
  static const Backend backend = MakeCpuBackend();
  return backend;
}

const Backend& ReferenceBackend() {
  static const Backend backend = MakeReferenceBackend();
  return backend;
}

std::string KernelLibraryVersion() {
  const dnnl_version_t* const version = dnnl_version();
  return absl::StrCat("oneDNN ", version->major, ".", version->minor, ".", version->patch);
}

}  // namespace beak
