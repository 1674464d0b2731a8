// A request from anyone, parsed and decoded: what is accepted must hold together and survive being sent on.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "proto/inference/open_inference.pb.h"
#include "proto/wire/tensor_codec.h"

namespace {

void Require(bool holds) {
  if (!holds) std::abort();
}

void CheckView(const beak::wire::TensorView& view) {
  const int64_t count = beak::wire::ElementCount(view.shape).value();
  if (view.datatype == beak::wire::Datatype::kBytes) {
    Require(beak::wire::DecodeBytes(view.bytes, count).ok());
  } else {
    Require(view.bytes.size() == count * beak::wire::Describe(view.datatype).byte_size);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  inference::ModelInferRequest request;
  if (!request.ParseFromArray(data, static_cast<int>(size))) return 0;
  auto views = beak::wire::DecodeInputs(request);
  if (!views.ok()) return 0;

  inference::ModelInferRequest again;
  for (const beak::wire::TensorView& view : *views) {
    CheckView(view);
    beak::wire::AddInput("x", view.datatype, view.shape, &again)->assign(view.bytes);
  }
  auto views_again = beak::wire::DecodeInputs(again);
  Require(views_again.ok() && views_again->size() == views->size());
  for (size_t i = 0; i < views->size(); ++i) Require((*views)[i].bytes == (*views_again)[i].bytes);
  return 0;
}
