#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include "proto/inference/model_config.pb.h"

namespace beak {
namespace {

// A configuration as people write them for Triton, with something of every documented group.
constexpr char kEverything[] = R"(
  name: "resnet"
  platform: "onnxruntime_onnx"
  backend: "onnxruntime"
  runtime: "libtriton_onnxruntime.so"
  version_policy: { specific: { versions: [ 1, 3 ] } }
  max_batch_size: 8
  input [ { name: "x" data_type: TYPE_FP32 format: FORMAT_NCHW dims: [ 3, 224, 224 ] reshape { shape: [ 1, 3, 224, 224 ] }
            optional: true allow_ragged_batch: true is_shape_tensor: false is_non_linear_format_io: false } ]
  output [ { name: "y" data_type: TYPE_STRING dims: [ -1 ] label_filename: "labels.txt" reshape { shape: [] } } ]
  batch_input [ { kind: BATCH_ITEM_SHAPE_FLATTEN target_name: [ "shapes" ] data_type: TYPE_FP32 source_input: "x" } ]
  batch_output [ { target_name: "y" kind: BATCH_SCATTER_WITH_INPUT_SHAPE source_input: "x" } ]
  optimization {
    graph { level: -1 } priority: PRIORITY_MAX eager_batching: true gather_kernel_buffer_threshold: 4
    input_pinned_memory { enable: false } output_pinned_memory { enable: true }
    cuda { graphs: true busy_wait_events: true output_copy_stream: true
           graph_spec { batch_size: 4 input { key: "x" value { dim: [ 3, 4 ] } }
                        graph_lower_bound { batch_size: 1 input { key: "x" value { dim: 3 } } } } }
    execution_accelerators { gpu_execution_accelerator: [ { name: "tensorrt" parameters { key: "p" value: "FP16" } } ]
                             cpu_execution_accelerator: [ { name: "openvino" } ] }
  }
  dynamic_batching {
    preferred_batch_size: [ 4, 8 ] max_queue_delay_microseconds: 100 preserve_ordering: true
    priority_levels: 2 default_priority_level: 2
    default_queue_policy { timeout_action: DELAY default_timeout_microseconds: 1000 allow_timeout_override: true
                           max_queue_size: 16 }
    priority_queue_policy { key: 1 value { timeout_action: REJECT } }
  }
  instance_group [ { name: "g" count: 2 kind: KIND_CPU gpus: [ 0 ] profile: [ "1" ] passive: false host_policy: "node0"
                     rate_limiter { resources [ { name: "r" global: true count: 1 } ] priority: 2 }
                     secondary_devices [ { kind: KIND_NVDLA device_id: 1 } ] } ]
  default_model_filename: "model.onnx"
  cc_model_filenames { key: "7.5" value: "a.plan" }
  metric_tags { key: "team" value: "vision" }
  parameters { key: "scale" value: { string_value: "255" } }
  model_warmup [ { name: "w" batch_size: 1 count: 2
                   inputs { key: "x" value { data_type: TYPE_FP32 dims: [ 3 ] random_data: true } }
                   inputs { key: "z" value { input_data_file: "raw" } } } ]
  model_operations { op_library_filename: [ "libops.so" ] }
  model_transaction_policy { decoupled: false }
  model_repository_agents { agents [ { name: "checksum" parameters { key: "MD5" value: "0" } } ] }
  response_cache { enable: true }
  model_metrics { metric_control: [ { metric_identifier: { family: "f" } histogram_options: { buckets: [ 1, 2 ] } } ] }
)";

constexpr char kDirectSequences[] = R"(
  sequence_batching {
    max_sequence_idle_microseconds: 5000000 iterative_sequence: true
    direct { max_queue_delay_microseconds: 1 minimum_slot_utilization: 0.5 }
    control_input [ { name: "START" control [ { kind: CONTROL_SEQUENCE_START int32_false_true: [ 0, 1 ] },
                                              { kind: CONTROL_SEQUENCE_END fp32_false_true: [ 0, 1 ] },
                                              { kind: CONTROL_SEQUENCE_READY bool_false_true: [ false, true ] },
                                              { kind: CONTROL_SEQUENCE_CORRID data_type: TYPE_UINT64 } ] } ]
    state [ { input_name: "i" output_name: "o" data_type: TYPE_INT32 dims: [ 1 ] use_growable_memory: true
              use_same_buffer_for_input_output: true
              initial_state { name: "s" data_type: TYPE_INT32 dims: [ 1 ] zero_data: true } } ]
  }
)";

constexpr char kOldestSequences[] = R"(
  sequence_batching { oldest { max_candidate_sequences: 4 preferred_batch_size: [ 2 ] preserve_ordering: true
                               max_queue_delay_microseconds: 1 } }
)";

constexpr char kEnsemble[] = R"(
  ensemble_scheduling { max_inflight_requests: 4
                        step [ { model_name: "m" model_version: -1 input_map { key: "a" value: "b" }
                                 output_map { key: "c" value: "d" } model_namespace: "" } ] }
)";

TEST(ModelConfigTest, EveryDocumentedFieldParses) {
  for (const char* text : {kEverything, kDirectSequences, kOldestSequences, kEnsemble}) {
    inference::ModelConfig config;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &config)) << text;
  }
}

// Field numbers as other servers write them: a hand-made binary message, not one of our own printing.
TEST(ModelConfigTest, NumbersAreThoseOfTheProtocol) {
  const std::string bytes(
      "\x0a\x01m\x20\x08\x5a\x02\x10\x64\x8a\x01\x01"
      "b"
      "\x9a\x01\x02\x08\x01",
      18);
  inference::ModelConfig config;
  ASSERT_TRUE(config.ParseFromString(bytes));
  EXPECT_EQ(config.name(), "m");
  EXPECT_EQ(config.max_batch_size(), 8);
  EXPECT_EQ(config.dynamic_batching().max_queue_delay_microseconds(), 100u);
  EXPECT_EQ(config.backend(), "b");
  EXPECT_TRUE(config.model_transaction_policy().decoupled());
}

}  // namespace
}  // namespace beak
