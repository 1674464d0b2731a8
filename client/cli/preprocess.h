#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/types.h"
#include "engine/io/image_fit.h"

// How pictures become the input of a model: from what the input looks like, and from parameters. Pure.
namespace beak::cli {

// The parameters, of a model's config.pbtxt or of flags of the same meaning:
//
//   image_mean      "104,117,123"  subtracted from values of 0..255; one, or one per channel in the input's order
//   image_scale     "0.017"        multiplied afterwards; likewise
//   image_channels  RGB (default), BGR, GRAY
//   image_layout    NCHW, NHWC
//   image_size      "224x224"      height x width, where the input leaves them free
//   image_invert    "true"         255 - x, first of all
//   image_resize    fit (default), stretch, crop
using ImageParameters = std::map<std::string, std::string>;

bool IsImageParameter(const std::string& name);

// The input that takes the picture, as the server describes it.
struct ImageInput {
  client::TensorMetadata metadata;
  int max_batch_size = 0;  // above 0: the first dimension of the shape is the batch
  std::string layout;      // "NCHW" or "NHWC" where the configuration's `format` says so
};

struct ImagePlan {
  ImageFit fit;
  std::vector<int64_t> item_shape;  // what one picture's tensor is reshaped to
  bool has_batch = false;           // pictures are stacked in front
  int64_t max_rows = 1;             // pictures in one request, at most
  bool exact_rows = false;          // and neither fewer
};

// INVALID_ARGUMENT, naming the parameter or the input, where they make no sense or not enough is said.
absl::StatusOr<ImagePlan> PlanImages(const ImageInput& input, const ImageParameters& parameters);

// The sizes of the requests that `images` pictures are sent in, in order; INVALID_ARGUMENT where they do not fit.
absl::StatusOr<std::vector<int64_t>> SplitIntoRequests(const ImagePlan& plan, int64_t images);

}  // namespace beak::cli
