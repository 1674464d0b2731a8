#include "engine/formats/beak/check_fields.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include "proto/beak/v1/network.pb.h"

namespace beak::network_format {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;

std::vector<std::string> Check(const std::string& text) {
  v1::Layer layer;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &layer)) << text;
  return CheckFields(layer);
}

// Sets every field of a message, so that none is passed over.
void SetAll(Message& message) {
  const auto& descriptor = *message.GetDescriptor();
  for (int i = 0; i < descriptor.field_count(); ++i) {
    const FieldDescriptor& field = *descriptor.field(i);
    const auto& set = *message.GetReflection();
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      SetAll(*set.MutableMessage(&message, &field));
    } else if (field.cpp_type() == FieldDescriptor::CPPTYPE_FLOAT) {
      set.SetFloat(&message, &field, 0.5f);
    } else if (field.cpp_type() == FieldDescriptor::CPPTYPE_INT32) {
      field.is_repeated() ? set.AddInt32(&message, &field, 1) : set.SetInt32(&message, &field, 1);
    } else if (field.cpp_type() == FieldDescriptor::CPPTYPE_INT64) {
      field.is_repeated() ? set.AddInt64(&message, &field, 1) : set.SetInt64(&message, &field, 1);
    }
  }
}

TEST(CheckFieldsTest, EveryNumberOfEveryKindHasARange) {
  const auto& kinds = *v1::Layer::descriptor()->FindOneofByName("kind");
  for (int i = 0; i < kinds.field_count(); ++i) {
    v1::Layer layer;
    SetAll(*layer.GetReflection()->MutableMessage(&layer, kinds.field(i)));
    EXPECT_THAT(CheckFields(layer), IsEmpty()) << kinds.field(i)->name();  // and does not abort
  }
}

TEST(CheckFieldsTest, WhatIsRightIsNotSpokenOf) {
  EXPECT_THAT(Check("conv2d { filters: 1 kernel_size: [3, 5] }"), IsEmpty());
  EXPECT_THAT(Check("flatten {}"), IsEmpty());
}

TEST(CheckFieldsTest, NamesEachWrongField) {
  EXPECT_THAT(Check("name: 'x'"), ElementsAre("expected a kind of layer, got none"));
  EXPECT_THAT(Check("conv2d {}"),
              ElementsAre("filters: expected one in [1, 16777216], got 0", "kernel_size: expected a number, got none"));
  EXPECT_THAT(Check("conv2d { filters: 2 kernel_size: [3, 0] strides: -1 groups: 0 }"),
              ElementsAre("kernel_size: expected one in [1, 1024], got 0", "strides: expected one in [1, 1024], got -1",
                          "groups: expected one in [1, 16777216], got 0"));
  EXPECT_THAT(Check("dropout { rate: 1 }"), ElementsAre("rate: expected one in [0, 0.9999], got 1"));
}

TEST(CheckFieldsTest, NamesFieldsWithinParameters) {
  EXPECT_THAT(Check("dense { units: 1 kernel { l2: -1 initializer { gain: nan } } }"),
              ElementsAre("kernel.initializer.gain: expected one in [0, 1000000], got nan",
                          "kernel.l2: expected one in [0, 1000000], got -1"));
}

TEST(CheckFieldsTest, KnowsOnlyTheValuesOfEnums) {
  v1::Layer layer;
  layer.mutable_activation()->set_kind(static_cast<v1::Activation::Kind>(77));
  EXPECT_THAT(CheckFields(layer), ElementsAre("kind: expected one of Kind, got 77"));
}

}  // namespace
}  // namespace beak::network_format
