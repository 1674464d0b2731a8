#pragma once

#include <string>
#include <utility>
#include <vector>

#include "engine/formats/onnx/schema/onnx_schema.pb.h"

namespace beak::testing {

// TensorProto.DataType
enum OnnxType {
  kOnnxFloat = 1,
  kOnnxUint8 = 2,
  kOnnxInt8 = 3,
  kOnnxInt32 = 6,
  kOnnxInt64 = 7,
  kOnnxString = 8,
  kOnnxBool = 9,
  kOnnxFloat16 = 10,
  kOnnxBfloat16 = 16
};

// An attribute of any type by its value: Attr("axis", 1), Attr("to", "x"), Attr("pads", std::vector<int64_t>{...}).
inline onnx_schema::AttributeProto Attr(const std::string& name, int64_t value) {
  onnx_schema::AttributeProto proto;
  proto.set_name(name);
  proto.set_type(onnx_schema::AttributeProto::INT);
  proto.set_i(value);
  return proto;
}
inline onnx_schema::AttributeProto Attr(const std::string& name, int value) { return Attr(name, int64_t{value}); }
inline onnx_schema::AttributeProto Attr(const std::string& name, float value) {
  onnx_schema::AttributeProto proto;
  proto.set_name(name);
  proto.set_type(onnx_schema::AttributeProto::FLOAT);
  proto.set_f(value);
  return proto;
}
inline onnx_schema::AttributeProto Attr(const std::string& name, const char* value) {
  onnx_schema::AttributeProto proto;
  proto.set_name(name);
  proto.set_type(onnx_schema::AttributeProto::STRING);
  proto.set_s(value);
  return proto;
}
inline onnx_schema::AttributeProto Attr(const std::string& name, const std::vector<int64_t>& values) {
  onnx_schema::AttributeProto proto;
  proto.set_name(name);
  proto.set_type(onnx_schema::AttributeProto::INTS);
  proto.mutable_ints()->Add(values.begin(), values.end());
  return proto;
}
inline onnx_schema::AttributeProto Attr(const std::string& name, const std::vector<float>& values) {
  onnx_schema::AttributeProto proto;
  proto.set_name(name);
  proto.set_type(onnx_schema::AttributeProto::FLOATS);
  proto.mutable_floats()->Add(values.begin(), values.end());
  return proto;
}
inline onnx_schema::AttributeProto Attr(const std::string& name, onnx_schema::TensorProto tensor) {
  onnx_schema::AttributeProto proto;
  proto.set_name(name);
  proto.set_type(onnx_schema::AttributeProto::TENSOR);
  *proto.mutable_t() = std::move(tensor);
  return proto;
}
// An attribute whose type alone matters.
inline onnx_schema::AttributeProto AttrOfType(const std::string& name, int type) {
  onnx_schema::AttributeProto proto;
  proto.set_name(name);
  proto.set_type(static_cast<onnx_schema::AttributeProto::AttributeType>(type));
  return proto;
}

inline onnx_schema::TensorProto FloatTensor(const std::vector<int64_t>& dims, const std::vector<float>& values) {
  onnx_schema::TensorProto proto;
  proto.set_data_type(kOnnxFloat);
  proto.mutable_dims()->Add(dims.begin(), dims.end());
  proto.mutable_float_data()->Add(values.begin(), values.end());
  return proto;
}
inline onnx_schema::TensorProto Int64Tensor(const std::vector<int64_t>& dims, const std::vector<int64_t>& values) {
  onnx_schema::TensorProto proto;
  proto.set_data_type(kOnnxInt64);
  proto.mutable_dims()->Add(dims.begin(), dims.end());
  proto.mutable_int64_data()->Add(values.begin(), values.end());
  return proto;
}

// Puts an ONNX model together. `model` may be edited by hand where a test wants what the functions do not offer.
class ModelBuilder {
 public:
  explicit ModelBuilder(int opset, int ir_version = 8) {
    model.set_ir_version(ir_version);
    model.add_opset_import()->set_version(opset);
    model.mutable_graph()->set_name("g");
  }

  // A dimension below 0 is left unknown.
  ModelBuilder& Input(const std::string& name, const std::vector<int64_t>& dims, int type = kOnnxFloat) {
    Declare(*graph().add_input(), name, type);
    auto& shape =
        *graph().mutable_input(graph().input_size() - 1)->mutable_type()->mutable_tensor_type()->mutable_shape();
    for (const int64_t dim : dims) {
      auto* proto = shape.add_dim();
      if (dim >= 0) proto->set_dim_value(dim);
    }
    return *this;
  }
  ModelBuilder& Output(const std::string& name, int type = kOnnxFloat) {
    Declare(*graph().add_output(), name, type);
    return *this;
  }
  ModelBuilder& Initializer(const std::string& name, onnx_schema::TensorProto tensor) {
    tensor.set_name(name);
    *graph().add_initializer() = std::move(tensor);
    return *this;
  }
  ModelBuilder& Node(const std::string& op, const std::vector<std::string>& inputs,
                     const std::vector<std::string>& outputs,
                     const std::vector<onnx_schema::AttributeProto>& attributes = {}, const std::string& name = "") {
    onnx_schema::NodeProto& node = *graph().add_node();
    node.set_op_type(op);
    node.set_name(name);
    for (const std::string& input : inputs) node.add_input(input);
    for (const std::string& output : outputs) node.add_output(output);
    for (const auto& attribute : attributes) *node.add_attribute() = attribute;
    return *this;
  }

  onnx_schema::GraphProto& graph() { return *model.mutable_graph(); }
  std::string Bytes() const { return model.SerializeAsString(); }

  onnx_schema::ModelProto model;

 private:
  static void Declare(onnx_schema::ValueInfoProto& proto, const std::string& name, int type) {
    proto.set_name(name);
    proto.mutable_type()->mutable_tensor_type()->set_elem_type(type);
  }
};

}  // namespace beak::testing
