#include "client/cli/preprocess.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "client/cli/tensors.h"
#include "engine/base/limits.h"
#include "engine/base/status.h"

namespace beak::cli {
namespace {

constexpr const char* kParameters[] = {"image_mean", "image_scale",  "image_channels", "image_layout",
                                       "image_size", "image_invert", "image_resize"};

absl::Status BadParameter(const std::string& name, const std::string& expected, const std::string& got) {
  return absl::InvalidArgumentError(absl::StrCat("parameter ", name, ": expected ", expected, ", got '", got, "'"));
}

std::string Get(const ImageParameters& parameters, const std::string& name) {
  const auto entry = parameters.find(name);
  return entry == parameters.end() ? "" : std::string(absl::StripAsciiWhitespace(entry->second));
}

// The value that `name` has in `choices`, whatever its case; the first one where the parameter is not given.
template <typename T>
absl::StatusOr<T> Choice(const ImageParameters& parameters, const std::string& name,
                         const std::vector<std::pair<std::string, T>>& choices) {
  const std::string text = Get(parameters, name);
  if (text.empty()) return choices[0].second;
  for (const auto& [choice, value] : choices) {
    if (absl::AsciiStrToLower(choice) == absl::AsciiStrToLower(text)) return value;
  }
  std::vector<std::string> names;
  for (const auto& [choice, value] : choices) {
    if (!choice.empty()) names.push_back(choice);
  }
  return BadParameter(name, absl::StrJoin(names, " or "), text);
}

absl::StatusOr<std::vector<float>> Floats(const ImageParameters& parameters, const std::string& name) {
  std::vector<float> values;
  const std::string text = Get(parameters, name);
  if (text.empty()) return values;
  for (const absl::string_view part : absl::StrSplit(text, ',')) {
    if (!absl::SimpleAtof(part, &values.emplace_back())) return BadParameter(name, "numbers and commas", text);
  }
  return values;
}

struct Size {
  int64_t height = -1;
  int64_t width = -1;
};

absl::StatusOr<Size> ParseSize(const ImageParameters& parameters) {
  Size size;
  const std::string text = Get(parameters, "image_size");
  if (text.empty()) return size;
  const std::vector<std::string> parts = absl::StrSplit(text, 'x');
  const bool good = parts.size() == 2 && absl::SimpleAtoi(parts[0], &size.height) &&
                    absl::SimpleAtoi(parts[1], &size.width) && size.height > 0 && size.width > 0 &&
                    size.height <= limits::kMaxImagePixels && size.width <= limits::kMaxImagePixels;
  if (!good) return BadParameter("image_size", "HEIGHTxWIDTH", text);
  return size;
}

// What is known of a picture's tensor; -1 is unknown.
struct Dimensions {
  int64_t channels = -1;
  Size size;
  std::vector<int64_t> flat;  // one dimension for all pixels, where the input has only that
};

std::string ShapeText(const std::vector<int64_t>& shape) { return absl::StrCat("[", absl::StrJoin(shape, ", "), "]"); }

bool LooksLikeNhwc(const std::vector<int64_t>& item) {
  const auto is_channels = [](int64_t dim) { return dim == 1 || dim == 3; };
  return is_channels(item[2]) && !is_channels(item[0]);
}

absl::StatusOr<ImageLayout> ChooseLayout(const std::string& declared, const std::vector<int64_t>& item,
                                         const ImageParameters& parameters) {
  ASSIGN_OR_RETURN(const std::optional<ImageLayout> wished,
                   (Choice<std::optional<ImageLayout>>(
                       parameters, "image_layout",
                       {{"", std::nullopt}, {"NCHW", ImageLayout::kNchw}, {"NHWC", ImageLayout::kNhwc}})));
  if (wished) return *wished;
  if (declared == "NHWC") return ImageLayout::kNhwc;
  if (declared == "NCHW" || item.size() != 3) return ImageLayout::kNchw;
  return LooksLikeNhwc(item) ? ImageLayout::kNhwc : ImageLayout::kNchw;
}

absl::StatusOr<Dimensions> ReadItem(const std::vector<int64_t>& item, ImageLayout layout) {
  if (item.size() == 3 && layout == ImageLayout::kNchw) return Dimensions{item[0], {item[1], item[2]}, {}};
  if (item.size() == 3) return Dimensions{item[2], {item[0], item[1]}, {}};
  if (item.size() == 2) return Dimensions{1, {item[0], item[1]}, {}};
  if (item.size() == 1) return Dimensions{-1, {}, item};
  return absl::InvalidArgumentError(
      absl::StrCat("expected a shape of 1 to 3 dimensions for a picture, got ", ShapeText(item)));
}

// Takes `wished` where `known` leaves it open; they may not disagree.
absl::Status Settle(const char* what, int64_t wished, int64_t& known) {
  if (known < 0) known = wished;
  if (wished >= 0 && known != wished) {
    return absl::InvalidArgumentError(
        absl::StrCat(what, ": expected ", known, " as the input has it, got ", wished, " by its parameter"));
  }
  return absl::OkStatus();
}

absl::Status SettleSize(const ImageParameters& parameters, Size& size) {
  ASSIGN_OR_RETURN(const Size wished, ParseSize(parameters));
  RETURN_IF_ERROR(Settle("height", wished.height, size.height));
  RETURN_IF_ERROR(Settle("width", wished.width, size.width));
  if (size.height < 0 || size.width < 0) {
    return absl::InvalidArgumentError("expected the parameter image_size, as the shape leaves it free");
  }
  if (size.height == 0 || size.width == 0 || size.height > limits::kMaxImagePixels ||
      size.width > limits::kMaxImagePixels) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected a shape for a picture, got ", size.height, " x ", size.width));
  }
  return absl::OkStatus();
}

// An input of one dimension says how many channels there are once the size is known.
absl::Status SettleFlat(Dimensions& dims) {
  if (dims.flat.empty() || dims.flat[0] < 0) return absl::OkStatus();
  const int64_t area = dims.size.height * dims.size.width;
  if (dims.flat[0] % area != 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected ", dims.flat[0], " values, got pictures of ", dims.size.height, " x ", dims.size.width));
  }
  dims.channels = dims.flat[0] / area;
  return absl::OkStatus();
}

absl::StatusOr<ChannelOrder> SettleChannels(const ImageParameters& parameters, int64_t& channels) {
  ASSIGN_OR_RETURN(const std::optional<ChannelOrder> wished,
                   (Choice<std::optional<ChannelOrder>>(parameters, "image_channels",
                                                        {{"", std::nullopt},
                                                         {"RGB", ChannelOrder::kRgb},
                                                         {"BGR", ChannelOrder::kBgr},
                                                         {"GRAY", ChannelOrder::kGray}})));
  if (wished) RETURN_IF_ERROR(Settle("channels", *wished == ChannelOrder::kGray ? 1 : 3, channels));
  if (channels < 0) channels = 3;
  if (channels != 1 && channels != 3) {
    return absl::InvalidArgumentError(absl::StrCat("expected 1 or 3 channels, got ", channels));
  }
  if (wished) return *wished;
  return channels == 1 ? ChannelOrder::kGray : ChannelOrder::kRgb;
}

absl::StatusOr<DType> PictureType(const std::string& datatype) {
  ASSIGN_OR_RETURN(const wire::Datatype type, wire::ParseDatatype(datatype));
  const std::optional<DType> dtype = ToDType(type);
  if (dtype && *dtype != DType::kBool) return *dtype;
  return absl::InvalidArgumentError(absl::StrCat("expected a type of numbers for a picture, got ", datatype));
}

// Where the batch dimension is and how many rows it takes; what is left of the shape is one picture's.
std::vector<int64_t> TakeBatch(const ImageInput& input, ImagePlan& plan) {
  std::vector<int64_t> item = input.metadata.shape;
  plan.has_batch = !item.empty() && (input.max_batch_size > 0 || item.size() == 4);
  if (!plan.has_batch) return item;
  plan.exact_rows = input.max_batch_size <= 0 && item[0] >= 0;
  plan.max_rows = input.max_batch_size;
  if (input.max_batch_size <= 0) plan.max_rows = item[0] >= 0 ? item[0] : std::numeric_limits<int64_t>::max();
  item.erase(item.begin());
  return item;
}

std::vector<int64_t> ItemShape(const std::vector<int64_t>& item, const ImageFit& fit, int64_t channels) {
  if (item.size() == 1) return {channels * fit.height * fit.width};
  if (item.size() == 2) return {fit.height, fit.width};
  if (fit.layout == ImageLayout::kNchw) return {channels, fit.height, fit.width};
  return {fit.height, fit.width, channels};
}

absl::StatusOr<ImagePlan> Plan(const ImageInput& input, const ImageParameters& parameters) {
  ImagePlan plan;
  const std::vector<int64_t> item = TakeBatch(input, plan);
  ImageFit& fit = plan.fit;
  ASSIGN_OR_RETURN(fit.dtype, PictureType(input.metadata.datatype));
  ASSIGN_OR_RETURN(fit.layout, ChooseLayout(input.layout, item, parameters));
  ASSIGN_OR_RETURN(Dimensions dims, ReadItem(item, fit.layout));
  RETURN_IF_ERROR(SettleSize(parameters, dims.size));
  RETURN_IF_ERROR(SettleFlat(dims));
  ASSIGN_OR_RETURN(fit.channels, SettleChannels(parameters, dims.channels));
  fit.height = static_cast<int>(dims.size.height);
  fit.width = static_cast<int>(dims.size.width);
  ASSIGN_OR_RETURN(fit.mean, Floats(parameters, "image_mean"));
  ASSIGN_OR_RETURN(fit.factor, Floats(parameters, "image_scale"));
  ASSIGN_OR_RETURN(fit.invert, (Choice<bool>(parameters, "image_invert", {{"false", false}, {"true", true}})));
  ASSIGN_OR_RETURN(fit.resize,
                   (Choice<ResizeMode>(
                       parameters, "image_resize",
                       {{"fit", ResizeMode::kFit}, {"stretch", ResizeMode::kStretch}, {"crop", ResizeMode::kCrop}})));
  plan.item_shape = ItemShape(item, fit, dims.channels);
  return plan;
}

}  // namespace

bool IsImageParameter(const std::string& name) {
  return std::find(std::begin(kParameters), std::end(kParameters), name) != std::end(kParameters);
}

absl::StatusOr<ImagePlan> PlanImages(const ImageInput& input, const ImageParameters& parameters) {
  absl::StatusOr<ImagePlan> plan = Plan(input, parameters);
  if (!plan.ok()) return Annotate(plan.status(), absl::StrCat("input '", input.metadata.name, "'"));
  return plan;
}

absl::StatusOr<std::vector<int64_t>> SplitIntoRequests(const ImagePlan& plan, int64_t images) {
  if (plan.max_rows <= 0 || (plan.exact_rows && images % plan.max_rows != 0)) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected pictures in batches of ", plan.max_rows, ", got ", images));
  }
  std::vector<int64_t> requests;
  for (int64_t left = images; left > 0; left -= requests.back()) requests.push_back(std::min(left, plan.max_rows));
  return requests;
}

}  // namespace beak::cli
