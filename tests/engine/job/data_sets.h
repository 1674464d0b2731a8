#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/base/check.h"
#include "engine/io/image.h"
#include "engine/io/npy.h"
#include "engine/job/job_data.h"
#include "engine/job/job_spec.h"
#include "google/protobuf/text_format.h"
#include "proto/beak/v1/dataset.pb.h"
#include "tests/engine/io/image_files.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

// Small descriptions of data and files for them.
namespace beak::testing {

inline v1::DataSet DataSetOf(const std::string& text) {
  v1::DataSet data;
  BEAK_CHECK(google::protobuf::TextFormat::ParseFromString(text, &data));
  return data;
}

// A PNG of one colour: one value is gray, three are RGB.
inline std::string PlainPng(int width, int height, const std::vector<uint8_t>& color) {
  Raster raster = {width, height, static_cast<int>(color.size()), {}};
  for (int i = 0; i < width * height; ++i) raster.pixels.insert(raster.pixels.end(), color.begin(), color.end());
  return EncodePng(raster);
}

// "image.npy": `count` pictures of height x width bytes of their own; "label.npy": their number modulo `classes`.
// The first picture is of bytes `first`, the next one of first + 1 and so on.
inline void WritePictures(const TempDir& dir, const std::string& prefix, int64_t count, int64_t classes,
                          uint8_t first = 0, int64_t height = 2, int64_t width = 3) {
  std::vector<uint8_t> pixels;
  std::vector<uint8_t> labels;
  for (int64_t i = 0; i < count; ++i) {
    pixels.insert(pixels.end(), static_cast<size_t>(height * width), static_cast<uint8_t>(first + i));
    labels.push_back(static_cast<uint8_t>(i % classes));
  }
  dir.Write(prefix + "image.npy", FormatNpy(Tensor::Of<uint8_t>({count, height, width}, pixels)));
  dir.Write(prefix + "label.npy", FormatNpy(Tensor::Of<uint8_t>({count}, labels)));
}

// A source of the files that WritePictures writes.
inline std::string Pictures(const std::string& prefix = "", const std::string& classes = "count: 2") {
  return "arrays { field { name: 'image' file: '" + prefix + "image.npy' } field { name: 'label' file: '" + prefix +
         "label.npy' classes { " + classes + " } } }";
}

// Opens what a text describes. The description has to be one that CheckDataSet accepts.
inline absl::StatusOr<JobData> OpenText(const std::string& text, JobDataOptions options) {
  const v1::DataSet data = DataSetOf(text);
  EXPECT_THAT(CheckDataSet(data), ::testing::IsEmpty());
  return OpenJobData(data, options);
}

inline absl::StatusOr<JobData> OpenText(const std::string& text, const TempDir& dir) {
  JobDataOptions options;
  options.folder.path = dir.path();
  return OpenText(text, options);
}

// The values of a field of a sample, as floats.
inline std::vector<float> ValuesOf(const data::Pipeline& pipeline, int64_t index, size_t field = 0, int64_t epoch = 0) {
  const absl::StatusOr<data::Sample> sample = pipeline.Read(epoch, index);
  EXPECT_OK(sample);
  if (!sample.ok()) return {};
  const Tensor values = *CastTo((*sample)[field], DType::kFloat32);
  return {values.values<float>().begin(), values.values<float>().end()};
}

}  // namespace beak::testing
