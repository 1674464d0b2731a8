// beak-model: works on model files without a server.
#include <cstdio>
#include <functional>
#include <iostream>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "engine/base/status.h"
#include "engine/tools/bench.h"
#include "engine/tools/cases.h"
#include "engine/tools/convert.h"
#include "engine/tools/inspect.h"
#include "engine/tools/layers.h"
#include "engine/tools/run.h"

namespace beak::tools {
namespace {

constexpr int kFailure = 1;
constexpr int kUsage = 2;

// What the command line asks for; Status is INVALID_ARGUMENT where the line itself is wrong.
using Command = std::function<absl::Status()>;

// An option that takes one value each time it is given.
CLI::Option* AddRepeatable(CLI::App* app, const std::string& name, std::vector<std::string>& values,
                           const std::string& help, const std::string& type) {
  return app->add_option(name, values, help)->allow_extra_args(false)->type_name(type);
}

// Turns an error in the words of the command line into CLI11's, which prints the usage and ends with kUsage.
void RequireUsage(const absl::Status& status) {
  if (!status.ok()) throw CLI::ValidationError(std::string(status.message()));
}

class CommandLine {
 public:
  CommandLine() {
    app_.require_subcommand(1);
    AddInspect();
    AddRun();
    AddBench();
    AddConvert();
    AddLayers();
    AddTest();
  }

  int Main(int argc, char** argv) {
    try {
      app_.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
      return app_.exit(error) == 0 ? 0 : kUsage;
    }
    const absl::Status status = command_();
    std::cout.flush();
    if (status.ok()) return 0;
    std::fprintf(stderr, "beak-model: %s\n", status.ToString().c_str());
    return kFailure;
  }

 private:
  void AddFile(CLI::App* app, std::string& file) { app->add_option("FILE", file, "Model file (ONNX)")->required(); }

  void AddThreads(CLI::App* app, int& threads) {
    app->add_option("--threads", threads, "Threads of one run")->check(CLI::Range(1, 1024))->capture_default_str();
  }

  void AddShapes(CLI::App* app) {
    app->add_option("--batch", batch_, "First dimension, where the file leaves it free; default 1")
        ->check(CLI::Range(1, 1 << 20));
    AddRepeatable(app, "--shape", shapes_, "Shape of an input, where the file leaves dimensions free",
                  "NAME=1x3x480x640");
  }

  ShapeChoice Shapes() const {
    ShapeChoice choice;
    if (batch_ > 0) choice.batch = batch_;
    for (const std::string& shape : shapes_) RequireUsage(ParseShape(shape, choice.shapes));
    return choice;
  }

  void AddInspect() {
    CLI::App* app =
        app_.add_subcommand("inspect", "Operators, inputs, outputs, parameters and operations of a network");
    AddFile(app, inspect_.file);
    AddShapes(app);
    app->add_flag("--json", inspect_.json, "Print JSON");
    app->callback([this] {
      inspect_.shapes = Shapes();
      command_ = [this] { return Inspect(inspect_, std::cout); };
    });
  }

  void AddRun() {
    CLI::App* app = app_.add_subcommand("run", "Predict once, from and to .npy files");
    AddFile(app, run_.file);
    AddRepeatable(app, "--input", input_files_, "Values of an input", "NAME=FILE.npy");
    AddRepeatable(app, "--output", output_files_, "Where to write an output; without any, all are summarised",
                  "NAME=FILE.npy");
    AddThreads(app, run_.threads);
    app->callback([this] {
      for (const std::string& text : input_files_) RequireUsage(ParseNamedFile("--input", text, run_.inputs));
      for (const std::string& text : output_files_) RequireUsage(ParseNamedFile("--output", text, run_.outputs));
      command_ = [this] { return Run(run_, std::cout); };
    });
  }

  void AddBench() {
    CLI::App* app = app_.add_subcommand("bench", "Measure the time of a prediction on made-up inputs");
    AddFile(app, bench_.file);
    AddShapes(app);
    AddThreads(app, bench_.threads);
    app->add_option("--iterations", bench_.iterations, "Runs to measure; default: two seconds of them, at least 10")
        ->check(CLI::Range(1, 1 << 30));
    app->add_flag("--profile", bench_.profile, "Also print the time of every step");
    app->add_flag("--json", bench_.json, "Print JSON");
    app->callback([this] {
      bench_.shapes = Shapes();
      command_ = [this] { return Bench(bench_, std::cout); };
    });
  }

  void AddConvert() {
    CLI::App* app = app_.add_subcommand("convert", "Write a network as ONNX of the operator set that Beak speaks");
    AddFile(app, convert_.file);
    app->add_option("OUT", convert_.output, "File to write (.onnx)")->required();
    app->callback([this] { command_ = [this] { return Convert(convert_, std::cout); }; });
  }

  void AddLayers() {
    CLI::App* app =
        app_.add_subcommand("layers", "Layers and parameters of a network that is described, not trained yet");
    app->add_option("FILE", layers_.file, "Description (beak.v1.Network as text)")->required();
    app->callback([this] { command_ = [this] { return PrintLayers(layers_, std::cout); }; });
  }

  void AddTest() {
    CLI::App* app = app_.add_subcommand("test", "Compare networks with stored inputs and outputs (ONNX's test cases)");
    app->add_option("DIR", test_.folders, "Folders to search for cases")->required();
    AddThreads(app, test_.threads);
    app->callback([this] { command_ = [this] { return TestFolders(test_, std::cout); }; });
  }

  CLI::App app_{"Works on model files without a server.", "beak-model"};
  Command command_;
  int batch_ = 0;
  std::vector<std::string> shapes_;
  std::vector<std::string> input_files_;
  std::vector<std::string> output_files_;
  InspectOptions inspect_;
  RunCommandOptions run_;
  BenchOptions bench_;
  ConvertOptions convert_;
  LayersOptions layers_;
  TestOptions test_;
};

}  // namespace
}  // namespace beak::tools

int main(int argc, char** argv) { return beak::tools::CommandLine().Main(argc, argv); }
