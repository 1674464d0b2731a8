#include "client/cli/train_app.h"

#include <memory>
#include <string>

#include "client/cli/train_command.h"

namespace beak::cli {
namespace {

using TrainFunction = absl::StatusOr<Outcome> (*)(const TrainFlags&);

CLI::App* AddTrainCommand(CLI::App& train, const char* name, const char* help, const std::shared_ptr<TrainFlags>& flags,
                          TrainFunction function, Command& command) {
  CLI::App* app = train.add_subcommand(name, help);
  AddConnection(*app, flags->connection);
  app->add_flag("--json", flags->json, "Print JSON");
  app->final_callback([flags, function, &command] { command = [flags, function] { return function(*flags); }; });
  return app;
}

void AddSubmit(CLI::App& train, const std::shared_ptr<TrainFlags>& flags, Command& command) {
  CLI::App* submit = AddTrainCommand(train, "submit", "Have a job done; prints its id", flags, &SubmitJob, command);
  submit->add_option("file", flags->file, "The job; paths of data in it are the server's")
      ->required()
      ->type_name("JOB.textproto");
  CLI::Option* watch = submit->add_flag("--watch", flags->watch, "Then watch it until it has ended");
  submit->add_flag("--validate-only", flags->validate_only, "Only say what is wrong with it")->excludes(watch);
  submit
      ->add_option("--request-id", flags->request_id,
                   "The same again gives the same job; random if not given, so that there is one job a command")
      ->type_name("ID");
}

void AddList(CLI::App& train, const std::shared_ptr<TrainFlags>& flags, Command& command) {
  CLI::App* list = AddTrainCommand(train, "list", "The jobs, the newest first", flags, &ListJobs, command);
  const auto add_state = [flags](const std::string& text) {
    const std::optional<v1::TrainJob::State> state = ParseState(text);
    if (!state) throw CLI::ValidationError("--state", "expected a job's state, got '" + text + "'");
    flags->states.push_back(*state);
  };
  list->add_option_function<std::vector<std::string>>(
          "--state",
          [add_state](const std::vector<std::string>& states) {
            for (const std::string& state : states) add_state(state);
          },
          "queued, running, publishing, succeeded, failed or cancelled; repeatable")
      ->allow_extra_args(false)
      ->type_name("STATE");
  list->add_option("--model", flags->model, "Those of one model")->type_name("MODEL");
}

}  // namespace

void AddTrain(CLI::App& app, Command& command) {
  CLI::App* train = app.add_subcommand("train", "Train models on the server, and see how it goes");
  train->require_subcommand(1);
  auto flags = std::make_shared<TrainFlags>();
  AddSubmit(*train, flags, command);
  AddList(*train, flags, command);
  const auto add = [&](const char* name, const char* help, TrainFunction function) {
    CLI::App* sub = AddTrainCommand(*train, name, help, flags, function, command);
    sub->add_option("job", flags->job, "Id of the job")->required()->type_name("JOB");
    return sub;
  };
  CLI::App* show = add("show", "What is known of a job", &ShowJob);
  show->add_option("--svg", flags->svg, "Draw losses and accuracies")->type_name("FILE");
  add("watch", "Watch a job until it has ended (exit status 0: it succeeded)", &WatchJob);
  add("cancel", "Stop a job", &CancelJob);
  add("delete", "Forget a job that has ended; what it published stays", &DeleteJob);
}

}  // namespace beak::cli
