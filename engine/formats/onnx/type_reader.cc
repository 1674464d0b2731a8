#include "engine/formats/onnx/type_reader.h"

#include "engine/base/limits.h"
#include "engine/base/status.h"
#include "engine/formats/onnx/data_type.h"
#include "engine/formats/onnx/schema/onnx_schema.pb.h"

namespace beak::onnx_format {
namespace {

using onnx_schema::TensorShapeProto;
using onnx_schema::TypeProto;

absl::StatusOr<PartialShape> ReadShape(const TensorShapeProto& proto) {
  PartialShape shape;
  for (const TensorShapeProto::Dimension& dim : proto.dim()) {
    if (dim.has_dim_param() && !dim.dim_param().empty()) {
      if (dim.dim_param().size() > limits::kMaxNameBytes) return absl::InvalidArgumentError("symbol: too long");
      shape.push_back(Dim::Symbol(dim.dim_param()));
    } else if (!dim.has_dim_value() || dim.dim_value() == -1) {
      shape.push_back(Dim());  // -1 is how some exporters write a free dimension
    } else if (dim.dim_value() < 0) {
      return absl::InvalidArgumentError(absl::StrCat("dimension: expected at least 0, got ", dim.dim_value()));
    } else {
      shape.push_back(Dim(dim.dim_value()));
    }
  }
  return shape;
}

}  // namespace

absl::StatusOr<TensorType> ReadType(const TypeProto& proto) {
  switch (proto.value_case()) {
    case TypeProto::kTensorType: {
      TensorType type;
      ASSIGN_OR_RETURN(type.dtype, DTypeFromOnnx(proto.tensor_type().elem_type()));
      if (proto.tensor_type().has_shape()) {
        ASSIGN_OR_RETURN(type.shape, ReadShape(proto.tensor_type().shape()));
      }
      return type;
    }
    case TypeProto::kSequenceType:
      return absl::UnimplementedError("sequence type");
    case TypeProto::kMapType:
      return absl::UnimplementedError("map type");
    case TypeProto::kOpaqueType:
      return absl::UnimplementedError("opaque type");
    case TypeProto::kSparseTensorType:
      return absl::UnimplementedError("sparse tensor type");
    case TypeProto::kOptionalType:
      return absl::UnimplementedError("optional type");
    case TypeProto::VALUE_NOT_SET:
      break;
  }
  return absl::InvalidArgumentError("expected a type, got none");
}

}  // namespace beak::onnx_format
