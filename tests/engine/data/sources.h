#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "engine/base/check.h"
#include "engine/data/array_source.h"
#include "engine/data/pipeline.h"

// Small data sets for tests.
namespace beak::data::testing {

inline SourcePtr SourceOf(std::vector<Column> columns) {
  absl::StatusOr<SourcePtr> source = MakeArraySource(std::move(columns));
  BEAK_CHECK(source.ok());
  return *std::move(source);
}

// Sample i is "x" float32 [2] = (i, -i) and "label" int64 = i % classes.
inline SourcePtr Numbers(int64_t count, int64_t classes = 3) {
  std::vector<float> x;
  std::vector<int64_t> labels;
  for (int64_t i = 0; i < count; ++i) {
    x.insert(x.end(), {static_cast<float>(i), static_cast<float>(-i)});
    labels.push_back(i % classes);
  }
  return SourceOf({{"x", Tensor::Of<float>({count, 2}, x)}, {"label", Tensor::Of<int64_t>({count}, labels)}});
}

// One sample of one field.
inline SourcePtr SourceOfOne(const std::string& name, const Tensor& value) {
  Shape shape = value.shape();
  shape.insert(shape.begin(), 1);
  return SourceOf({{name, value.Reshaped(shape)}});
}

inline PipelinePtr PipelineOf(SourcePtr source, const std::vector<Transform>& transforms = {}, uint64_t seed = 0) {
  absl::StatusOr<PipelinePtr> pipeline = Pipeline::Create(std::move(source), transforms, seed);
  BEAK_CHECK(pipeline.ok());
  return *std::move(pipeline);
}

template <typename T>
std::vector<T> ValuesOf(const Tensor& tensor) {
  const std::span<const T> values = tensor.values<T>();
  return {values.begin(), values.end()};
}

// The values of the only float field of sample `index` in `epoch`.
inline std::vector<float> FloatsOf(const Pipeline& pipeline, int64_t index = 0, int64_t epoch = 0) {
  const absl::StatusOr<Sample> sample = pipeline.Read(epoch, index);
  EXPECT_TRUE(sample.ok()) << sample.status().ToString();
  return sample.ok() ? ValuesOf<float>((*sample)[0]) : std::vector<float>();
}

}  // namespace beak::data::testing
