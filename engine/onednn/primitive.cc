#include "engine/onednn/primitive.h"

#include "absl/strings/str_cat.h"
#include "engine/base/check.h"
#include "engine/base/status.h"

namespace beak::onednn {
namespace {

constexpr int kMaxRank = 6;
constexpr auto kFloat = dnnl::memory::data_type::f32;

void Reorder(const Desc& from_desc, const std::byte* from, const Desc& to_desc, std::byte* to) {
  dnnl::memory source(from_desc, CpuEngine(), const_cast<std::byte*>(from));
  dnnl::memory target(to_desc, CpuEngine(), to);
  dnnl::stream stream(CpuEngine());
  dnnl::reorder(source, target).execute(stream, source, target);
  stream.wait();
}

// A primitive with the memory objects of one workspace. execute() of the C interface, so that a run builds no map.
class BoundPrimitive final : public BoundKernel {
 public:
  BoundPrimitive(const dnnl::primitive& primitive, const std::vector<Argument>& arguments, const Desc& scratchpad,
                 const Operands& operands)
      : primitive_(primitive), stream_(CpuEngine()) {
    for (const Argument& argument : arguments) {
      const std::byte* data =
          argument.kind == Argument::kInput ? operands.inputs[argument.operand] : operands.outputs[argument.operand];
      Add(argument.id, argument.desc, const_cast<std::byte*>(data));
    }
    if (scratchpad.get_size() > 0) Add(DNNL_ARG_SCRATCHPAD, scratchpad, operands.scratch);
  }

  absl::Status Run() override {
    const dnnl_status_t status =
        dnnl_primitive_execute(primitive_.get(), stream_.get(), static_cast<int>(arguments_.size()), arguments_.data());
    if (status == dnnl_success) return absl::OkStatus();
    return absl::InternalError(absl::StrCat("onednn: execution failed with status ", static_cast<int>(status)));
  }

 private:
  void Add(int id, const Desc& desc, std::byte* data) {
    memories_.emplace_back(desc, CpuEngine(), data);
    arguments_.push_back({id, memories_.back().get()});
  }

  dnnl::primitive primitive_;
  dnnl::stream stream_;
  std::vector<dnnl::memory> memories_;
  std::vector<dnnl_exec_arg_t> arguments_;
};

class PrimitiveKernel final : public Kernel {
 public:
  PrimitiveKernel(dnnl::primitive primitive, std::vector<Argument> arguments, Desc scratchpad)
      : primitive_(std::move(primitive)), arguments_(std::move(arguments)), scratchpad_(std::move(scratchpad)) {}

  std::unique_ptr<BoundKernel> Bind(const Operands& operands) const override {
    return std::make_unique<BoundPrimitive>(primitive_, arguments_, scratchpad_, operands);
  }

 private:
  const dnnl::primitive primitive_;
  const std::vector<Argument> arguments_;
  const Desc scratchpad_;
};

Dims RowMajorStrides(const Dims& dims) {
  Dims strides(dims.size(), 1);
  for (size_t i = dims.size(); i-- > 1;) strides[i - 1] = strides[i] * std::max<int64_t>(dims[i], 1);
  return strides;
}

// True where both descriptors put every element at the same place and nothing is padded. Strides of dimensions of size
// 1 mean nothing, and one block of channels with only ones behind it is no block.
bool SameBytes(const Desc& desc, const Desc& plain) {
  if (desc == plain) return true;
  const Dims dims = DimsOf(desc);
  if (dims != DimsOf(plain) || desc.get_size() != plain.get_size()) return false;
  if (InnerBlockCount(plain) != 0 || InnerBlockCount(desc) > 1) return false;
  Dims strides = StridesOf(desc);
  const Dims wanted = StridesOf(plain);
  if (InnerBlockCount(desc) == 1) {
    const int axis = InnerBlockAxis(desc);
    const int64_t block = InnerBlockSize(desc);
    if (wanted[axis] != 1 || dims[axis] % block != 0) return false;
    if (dims[axis] > block && strides[axis] != block) return false;
    strides[axis] = 1;
  }
  for (size_t i = 0; i < dims.size(); ++i) {
    if (dims[i] > 1 && strides[i] != wanted[i]) return false;
  }
  return true;
}

// The names of the layouts that turn up in practice, for profiles.
const char* TagName(const Desc& desc) {
  using Tag = dnnl::memory::format_tag;
  struct Named {
    Tag tag;
    int rank;
    const char* name;
  };
  static const Named kNamed[] = {
      {Tag::acb, 3, "acb"},           {Tag::aBc8b, 3, "aBc8b"},           {Tag::aBc16b, 3, "aBc16b"},
      {Tag::acdb, 4, "acdb"},         {Tag::aBcd8b, 4, "aBcd8b"},         {Tag::aBcd16b, 4, "aBcd16b"},
      {Tag::ABcd8b8a, 4, "ABcd8b8a"}, {Tag::ABcd16b16a, 4, "ABcd16b16a"}, {Tag::Acdb16a, 4, "Acdb16a"},
      {Tag::Acdb8a, 4, "Acdb8a"},     {Tag::Abcde16a, 5, "Abcde16a"},     {Tag::Abcde8a, 5, "Abcde8a"},
  };
  const Dims dims = DimsOf(desc);
  for (const Named& named : kNamed) {
    if (named.rank != static_cast<int>(dims.size())) continue;
    if (desc == Desc(dims, kFloat, named.tag)) return named.name;
  }
  return "blocked";
}

}  // namespace

const dnnl::engine& CpuEngine() {
  static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

dnnl::primitive_attr UserScratchpad() {
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attr;
}

Desc PlainDesc(const Dims& dims) { return Desc(dims, kFloat, RowMajorStrides(dims)); }
Desc AnyDesc(const Dims& dims) { return Desc(dims, kFloat, dnnl::memory::format_tag::any); }

bool DnnlLayout::Equals(const OpaqueLayout& other) const {
  const auto* dnnl_layout = dynamic_cast<const DnnlLayout*>(&other);
  return dnnl_layout != nullptr && dnnl_layout->packed_ == packed_ && dnnl_layout->plain_ == plain_;
}

std::string DnnlLayout::ToString() const { return TagName(packed_); }

void DnnlLayout::Pack(const std::byte* plain, std::byte* packed) const { Reorder(plain_, plain, packed_, packed); }
void DnnlLayout::Unpack(const std::byte* packed, std::byte* plain) const { Reorder(packed_, packed, plain_, plain); }

Layout LayoutOf(const Desc& desc, const Desc& plain) {
  const Shape shape = DimsOf(plain);
  if (SameBytes(desc, plain) && StridesOf(plain) == RowMajorStrides(shape))
    return Layout::Plain(DType::kFloat32, shape);
  return Layout::Opaque(std::make_shared<DnnlLayout>(desc, plain));
}

Layout LayoutOf(const Desc& desc) { return LayoutOf(desc, PlainDesc(DimsOf(desc))); }

Desc DescOf(const OperandInfo& operand) {
  if (const auto* layout = dynamic_cast<const DnnlLayout*>(operand.layout.opaque())) return layout->packed();
  return PlainDesc(operand.shape);
}

absl::Status Eligible(const OperandInfo& operand) {
  if (operand.dtype != DType::kFloat32) return absl::UnimplementedError("element type is not float32");
  if (operand.shape.empty() || operand.shape.size() > kMaxRank) return absl::UnimplementedError("rank is not 1 to 6");
  for (const int64_t dim : operand.shape) {
    if (dim == 0) return absl::UnimplementedError("a dimension is 0");
  }
  return absl::OkStatus();
}

absl::Status AllEligible(const KernelRequest& request) {
  for (const OperandInfo& input : request.inputs) {
    if (input.present) RETURN_IF_ERROR(Eligible(input));
  }
  for (const OperandInfo& output : request.outputs) {
    if (output.present) RETURN_IF_ERROR(Eligible(output));
  }
  return absl::OkStatus();
}

std::unique_ptr<const Kernel> MakeKernel(dnnl::primitive primitive, std::vector<Argument> arguments, Desc scratchpad) {
  return std::make_unique<PrimitiveKernel>(std::move(primitive), std::move(arguments), std::move(scratchpad));
}

}  // namespace beak::onednn
