// Has a server train a small network on handwritten digits, and tells how it goes until the network is published: what
// a program needs to know about train jobs, from describing one to its result.
//
//   beak_example_train [HOST:PORT] [IMAGES LABELS]    two files below the server's --data-dir, such as MNIST's

#include <cstdio>
#include <string>

#include "client/train_client.h"
#include "proto/beak/v1/service/train_service.pb.h"
#include "proto/beak/v1/train.pb.h"

namespace {

namespace v1 = beak::v1;
using beak::client::TrainClient;

// Two dense layers, as a description in text would say:
//   input { name: "image" shape: [1, 28, 28] }  layer { name: "flatten" flatten {} } ...
void DescribeNetwork(v1::Network& network) {
  network.set_name("digits");
  v1::Input& input = *network.add_input();
  input.set_name("image");
  for (const int size : {1, 28, 28}) input.add_shape(size);

  v1::Layer& flatten = *network.add_layer();
  flatten.set_name("flatten");
  flatten.mutable_flatten();
  v1::Layer& hidden = *network.add_layer();
  hidden.set_name("hidden");
  hidden.mutable_dense()->set_units(100);
  hidden.mutable_dense()->set_activation(v1::Activation::RELU);
  v1::Layer& output = *network.add_layer();
  output.set_name("output");
  output.mutable_dense()->set_units(10);
  output.mutable_dense()->set_activation(v1::Activation::SOFTMAX);
}

void DescribeData(const std::string& images, const std::string& labels, v1::DataSet& data) {
  v1::Arrays& arrays = *data.mutable_training()->mutable_arrays();
  v1::Arrays::Field& image = *arrays.add_field();
  image.set_name("image");
  image.set_file(images);
  v1::Arrays::Field& label = *arrays.add_field();
  label.set_name("label");
  label.set_file(labels);
  label.mutable_classes()->set_count(10);
  data.mutable_hold_out()->set_fraction(0.1);
}

v1::TrainJobSpec DescribeJob(const std::string& images, const std::string& labels) {
  v1::TrainJobSpec spec;
  spec.set_model("digits");
  DescribeNetwork(*spec.mutable_network()->mutable_description());
  DescribeData(images, labels, *spec.mutable_data());
  v1::InputBinding& input = *spec.add_input();
  input.set_field("image");
  input.mutable_standardise();  // which the exported network does by itself
  spec.mutable_training()->set_epochs(5);
  spec.mutable_training()->set_keep_best(true);
  spec.mutable_publish()->set_when(v1::Publish::METRIC);
  spec.mutable_publish()->set_metric(v1::ACCURACY);
  spec.mutable_publish()->set_at_least(0.9);
  return spec;
}

void Tell(const v1::TrainJobUpdate& update) {
  if (!update.has_epoch()) return;
  const v1::EpochReport& epoch = update.epoch();
  std::printf("epoch %lld: loss %.4f, held-out accuracy %.4f\n", static_cast<long long>(epoch.epoch()) + 1,
              epoch.training().loss(), epoch.held_out().accuracy());
}

absl::Status Run(const std::string& address, const std::string& images, const std::string& labels) {
  const absl::StatusOr<std::unique_ptr<TrainClient>> client = TrainClient::Connect(address);
  if (!client.ok()) return client.status();
  const absl::StatusOr<v1::TrainJob> created = (*client)->CreateJob(DescribeJob(images, labels));
  if (!created.ok()) return created.status();
  // Survives a restart of the server, as the job does. Without something to tell it is WaitUntilDone(id).
  const absl::StatusOr<v1::TrainJob> job = (*client)->WatchJob(created->id(), Tell);
  if (!job.ok()) return job.status();
  if (job->published_version() == 0) return absl::AbortedError(job->reason());
  std::printf("published as version %lld of '%s'\n", static_cast<long long>(job->published_version()),
              job->spec().model().c_str());
  return absl::OkStatus();
}

}  // namespace

int main(int argc, char** argv) {
  const std::string address = argc > 1 ? argv[1] : "127.0.0.1:8001";
  const std::string images = argc > 3 ? argv[2] : "train-images-idx3-ubyte.gz";
  const std::string labels = argc > 3 ? argv[3] : "train-labels-idx1-ubyte.gz";
  const absl::Status status = Run(address, images, labels);
  if (status.ok()) return 0;
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  return 1;
}
