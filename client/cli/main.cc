// The command line in front of the client library. Results go to stdout, diagnostics to stderr; exit status 0, 1 for
// failures, 2 for a command line that makes no sense.

#include <chrono>
#include <cstdio>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/cli/bench_command.h"
#include "client/cli/bench_inputs.h"
#include "client/cli/bench_report.h"
#include "client/cli/command.h"
#include "client/cli/model_command.h"
#include "client/cli/model_report.h"
#include "client/cli/predict_command.h"
#include "client/cli/tensors.h"
#include "client/cli/token_command.h"
#include "client/cli/train_app.h"

namespace beak::cli {
namespace {

constexpr int kFailure = 1;
constexpr int kUsage = 2;

absl::StatusOr<Outcome> Good(absl::StatusOr<std::string> text) {
  if (!text.ok()) return text.status();
  return Outcome{*std::move(text), true};
}

CLI::Validator Assignment() {
  const auto check = [](std::string& text) {
    return SplitAssignment(text) ? std::string() : absl::StrCat("expected NAME=FILE, got '", text, "'");
  };
  return CLI::Validator(check, "NAME=FILE");
}

// --image-mean and so on, each with the meaning of the model's parameter of that name.
void AddImageParameters(CLI::App& app, ImageParameters& parameters) {
  const std::pair<const char*, const char*> rows[] = {
      {"mean", "Subtracted from 0..255, one number or one per channel"},
      {"scale", "Multiplied afterwards, likewise"},
      {"channels", "RGB, BGR or GRAY"},
      {"layout", "NCHW or NHWC"},
      {"size", "HEIGHTxWIDTH, where the input leaves it free"},
      {"invert", "true: 255 - x, first of all"},
      {"resize", "fit, stretch or crop"},
  };
  for (const auto& [name, help] : rows) {
    const std::string key = absl::StrCat("image_", name);
    app.add_option_function<std::string>(
           absl::StrCat("--image-", name), [&parameters, key](const std::string& value) { parameters[key] = value; },
           help)
        ->group("Pictures (instead of what the model's configuration says)");
  }
}

void AddPredict(CLI::App& app, Command& command) {
  CLI::App* predict = app.add_subcommand("predict", "Send pictures or tensors to a model and print the answer");
  auto flags = std::make_shared<PredictFlags>();
  predict->add_option("model", flags->model, "Name of the model")->required()->type_name("MODEL");
  AddConnection(*predict, flags->connection);
  predict->add_option("--model-version", flags->version, "Version of the model; the server's choice if not given")
      ->check(CLI::NonNegativeNumber)
      ->type_name("N");
  predict->add_option("--image", flags->images, "A JPEG or PNG, fitted to the input; several form batches")
      ->type_name("FILE")
      ->allow_extra_args(false);
  predict->add_option("--input", flags->inputs, "A .npy file for an input")
      ->check(Assignment())
      ->allow_extra_args(false);
  predict->add_option("--output", flags->outputs, "Write an output to a .npy file")
      ->check(Assignment())
      ->allow_extra_args(false);
  predict->add_option("--top", flags->top, "Classes to print; 0: tensors as they are")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str()
      ->type_name("N");
  predict->add_flag("--json", flags->json, "Print JSON");
  AddImageParameters(*predict, flags->image_parameters);
  predict->final_callback([flags, &command] {
    if (flags->images.empty() && flags->inputs.empty()) {
      throw CLI::RequiredError("predict: --image or --input");
    }
    command = [flags] { return Good(Predict(*flags)); };
  });
}

using ModelFunction = absl::StatusOr<std::string> (*)(const ModelFlags&);

CLI::App* AddModelCommand(CLI::App& model, const char* name, const char* help, const std::shared_ptr<ModelFlags>& flags,
                          ModelFunction function, Command& command) {
  CLI::App* app = model.add_subcommand(name, help);
  AddConnection(*app, flags->connection);
  app->add_flag("--json", flags->json, "Print JSON");
  app->final_callback([flags, function, &command] { command = [flags, function] { return Good(function(*flags)); }; });
  return app;
}

void AddModel(CLI::App& app, Command& command) {
  CLI::App* model = app.add_subcommand("model", "Look at the models of a server, load and unload them");
  model->require_subcommand(1);
  auto flags = std::make_shared<ModelFlags>();
  AddModelCommand(*model, "list", "What the repository holds, and its state", flags, &ListModels, command);
  CLI::App* config = AddModelCommand(*model, "config", "A model's configuration", flags, &ShowConfig, command);
  CLI::App* stats = AddModelCommand(*model, "stats", "Counts and times of requests", flags, &ShowStatistics, command);
  config->add_option("model", flags->model, "Name of the model")->required()->type_name("MODEL");
  stats->add_option("model", flags->model, "Name of the model; all if not given")->type_name("MODEL");
  CLI::App* load =
      AddModelCommand(*model, "load", "Load a model, or what is new of it; unpins it", flags, &LoadModel, command);
  CLI::App* unload = AddModelCommand(*model, "unload", "Serve a model no more", flags, &UnloadModel, command);
  CLI::App* rollback =
      AddModelCommand(*model, "rollback", "Serve one version and no other, from now on", flags, &LoadModel, command);
  for (CLI::App* sub : {load, unload, rollback}) {
    sub->add_option("model", flags->model, "Name of the model")->required()->type_name("MODEL");
  }
  rollback->add_option("--version", flags->version, "Version to serve")
      ->required()
      ->check(CLI::PositiveNumber)
      ->type_name("N");
  for (CLI::App* sub : {config, stats}) {
    sub->add_option("--version", flags->version, "Version of the model")->check(CLI::NonNegativeNumber)->type_name("N");
  }
}

CLI::Validator ShapeAssignment() {
  const auto check = [](std::string& text) {
    return ParseShape(text) ? std::string() : absl::StrCat("expected NAME=1x3x480x640, got '", text, "'");
  };
  return CLI::Validator(check, "NAME=1x3x480x640");
}

// An option that takes "10s", "500ms", "1.5m".
void AddDuration(CLI::App& app, const std::string& name, std::chrono::nanoseconds& duration, bool zero_too,
                 const char* help) {
  const auto parse = [&duration, zero_too, name](const std::string& text) {
    const std::optional<std::chrono::nanoseconds> parsed = ParseDuration(text, zero_too);
    if (!parsed) throw CLI::ValidationError(name, "expected a duration such as 10s, 500ms or 2m, got '" + text + "'");
    duration = *parsed;
  };
  app.add_option_function<std::string>(name, parse, help)->type_name("TIME");
}

void AddBenchLoad(CLI::App& bench, BenchFlags& flags) {
  bench::LoadOptions& load = flags.load;
  CLI::Option* concurrency =
      bench.add_option("--concurrency", load.concurrency, "Closed loop: requests under way at all times")
          ->check(CLI::Range(1, 100'000))
          ->type_name("N");
  CLI::Option* rate = bench.add_option("--rate", load.rate, "Open loop: requests a second, whatever the server does")
                          ->check(CLI::Range(1e-3, 1e7))
                          ->type_name("R")
                          ->excludes(concurrency);
  const std::map<std::string, bench::Arrival> arrivals = {{"poisson", bench::Arrival::kPoisson},
                                                          {"constant", bench::Arrival::kConstant}};
  bench.add_option("--arrival", load.arrival, "How an open loop spaces them: poisson or constant (default poisson)")
      ->transform(CLI::CheckedTransformer(arrivals).description(""))
      ->type_name("KIND")
      ->needs(rate);
  bench.add_option("--seed", load.seed, "Of the arrival times")->capture_default_str()->type_name("N");
  bench.add_option("--max-outstanding", load.max_outstanding, "Most requests that an open loop has under way")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str()
      ->type_name("N");
  bench.add_option("--connections", load.connections, "Connections that the requests are spread over")
      ->check(CLI::Range(1, 64))
      ->capture_default_str()
      ->type_name("N");
  AddDuration(bench, "--duration", load.duration, false, "How long to measure (default 10s)");
  AddDuration(bench, "--warm-up", load.warm_up, true, "How long to send before that (default 1s)");
  bench
      .add_option_function<double>(
          "--deadline-ms",
          [&load](double ms) { load.deadline = std::chrono::nanoseconds(static_cast<int64_t>(ms * 1e6)); },
          "Deadline of each request, from when it is due; answers within it are goodput")
      ->check(CLI::Range(1e-3, 1e9))
      ->type_name("N");
}

void AddBench(CLI::App& app, Command& command) {
  CLI::App* bench =
      app.add_subcommand("bench", "Load a server with one request over and over; print rates and latencies");
  auto flags = std::make_shared<BenchFlags>();
  flags->load.server = Connection().server;
  flags->load.warm_up = std::chrono::seconds(1);
  bench->add_option("model", flags->model, "Name of the model")->required()->type_name("MODEL");
  bench->add_option("--server", flags->load.server, "Address of the server")
      ->capture_default_str()
      ->type_name("HOST:PORT");
  AddSecurity(*bench, flags->security);
  bench->add_option("--model-version", flags->version, "Version of the model; the server's choice if not given")
      ->check(CLI::NonNegativeNumber)
      ->type_name("N");
  AddBenchLoad(*bench, *flags);
  bench->add_option("--rows", flags->rows, "Rows of a request, where the model takes batches")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str()
      ->type_name("N");
  bench->add_option("--priority", flags->priority, "Priority of the requests; 1 is the highest")->type_name("N");
  bench->add_option("--input", flags->inputs, "A .npy file for an input; random numbers if not given")
      ->check(Assignment())
      ->allow_extra_args(false);
  bench->add_option("--shape", flags->shapes, "Shape of an input, batch included, where the model leaves it free")
      ->check(ShapeAssignment())
      ->allow_extra_args(false);
  bench->add_flag("--zeros", flags->zeros, "Zeros instead of random numbers");
  bench->add_flag("--json", flags->json, "Print JSON");
  bench->final_callback([flags, &command] {
    if (flags->load.concurrency == 0 && flags->load.rate == 0) {
      throw CLI::RequiredError("bench: --concurrency or --rate");
    }
    command = [flags]() -> absl::StatusOr<Outcome> {
      absl::StatusOr<BenchOutcome> outcome = Bench(*flags);
      if (!outcome.ok()) return outcome.status();
      return Outcome{std::move(outcome->text), outcome->any_success};
    };
  });
}

struct HealthFlags {
  Connection connection;
  std::string service;
  bool json = false;
};

absl::StatusOr<Outcome> CheckHealth(const HealthFlags& flags) {
  const absl::StatusOr<std::unique_ptr<client::Client>> client = flags.connection.Connect();
  if (!client.ok()) return client.status();
  const absl::StatusOr<client::HealthStatus> status = (*client)->CheckHealth(flags.service);
  if (!status.ok()) return status.status();
  const std::string text = flags.json ? HealthJson(flags.service, *status) : ToText(*status) + "\n";
  return Outcome{text, *status == client::HealthStatus::kServing};
}

void AddHealth(CLI::App& app, Command& command) {
  CLI::App* health = app.add_subcommand("health", "Ask whether the server, or one model, is serving (exit status 0)");
  auto flags = std::make_shared<HealthFlags>();
  AddConnection(*health, flags->connection);
  health->add_option("--service", flags->service, "A model; the server as a whole if not given")->type_name("MODEL");
  health->add_flag("--json", flags->json, "Print JSON");
  health->final_callback([flags, &command] { command = [flags] { return CheckHealth(*flags); }; });
}

// Whether whatever is appended to a file begins a line of its own.
bool EndsInALine(const std::string& file) {
  std::ifstream lines(file, std::ios::binary | std::ios::ate);
  if (!lines || lines.tellg() == std::streampos(0)) return true;
  lines.seekg(-1, std::ios::end);
  return lines.get() == '\n';
}

// The token alone goes to stdout, so that it can be put into a file without being seen.
absl::StatusOr<Outcome> PrintNewToken(const TokenFlags& flags, const std::string& file) {
  const absl::StatusOr<NewToken> made = MakeToken(flags);
  if (!made.ok()) return made.status();
  if (file.empty()) {
    std::fprintf(stderr, "beak: line for the server's --token-file: %s", made->line.c_str());
  } else {
    std::ofstream lines(file, std::ios::app);
    lines << (EndsInALine(file) ? "" : "\n") << made->line << std::flush;
    if (!lines) return absl::UnavailableError(absl::StrCat("cannot append to '", file, "'"));
  }
  return Outcome{made->token + "\n", true};
}

void AddToken(CLI::App& app, Command& command) {
  CLI::App* token = app.add_subcommand("token", "Make a token: prints it, and the line by which a server knows it");
  auto flags = std::make_shared<TokenFlags>();
  auto file = std::make_shared<std::string>();
  token->add_option("name", flags->name, "Whose it is; audit lines of the server's log have it")
      ->required()
      ->check(CLI::Validator([](std::string& text) { return CheckTokenName(text); }, ""))
      ->type_name("NAME");
  token->add_option("role", flags->roles, "What it allows: predict, admin, train, metrics")
      ->required()
      ->check(CLI::IsMember({"predict", "admin", "train", "metrics"}).description(""))
      ->type_name("ROLE...");
  token->add_option("--append", *file, "Append the line to this file instead of printing it on stderr")
      ->type_name("FILE");
  token->final_callback([flags, file, &command] { command = [flags, file] { return PrintNewToken(*flags, *file); }; });
}

int Main(int argc, char** argv) {
  CLI::App app("Talks to a Beak server, or to any server of the Open Inference Protocol.", "beak");
  app.require_subcommand(1);
  app.set_version_flag("--version", BEAK_VERSION);
  Command command;
  AddPredict(app, command);
  AddModel(app, command);
  AddTrain(app, command);
  AddBench(app, command);
  AddHealth(app, command);
  AddToken(app, command);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kUsage;
  }
  const absl::StatusOr<Outcome> outcome = command();
  if (!outcome.ok()) {
    std::fprintf(stderr, "beak: %s\n", outcome.status().ToString().c_str());
    return kFailure;
  }
  std::fputs(outcome->text.c_str(), stdout);
  return outcome->good && std::fflush(stdout) == 0 ? 0 : kFailure;
}

}  // namespace
}  // namespace beak::cli

int main(int argc, char** argv) { return beak::cli::Main(argc, argv); }
