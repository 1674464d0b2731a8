#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

extern char** environ;

namespace beak::testing {

// beak-server of BEAK_BIN_DIR with its stderr in a pipe.
class Process {
 public:
  explicit Process(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), std::string(std::getenv("BEAK_BIN_DIR")) + "/beak-server");
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    int ends[2];
    EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    EXPECT_EQ(posix_spawn(&pid_, argv[0], &actions, nullptr, argv.data(), environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    stderr_ = fdopen(ends[0], "r");
  }
  ~Process() {
    if (pid_ > 0) kill(pid_, SIGKILL), Wait();
    fclose(stderr_);
  }

  // The next line of stderr that contains `text`, or "" at the end.
  std::string AwaitLine(const std::string& text) {
    char* line = nullptr;
    size_t size = 0;
    std::string found;
    while (found.empty() && getline(&line, &size, stderr_) > 0) {
      output += line;
      if (std::string(line).find(text) != std::string::npos) found = line;
    }
    free(line);
    return found;
  }
  void Signal(int number) { kill(pid_, number); }
  // The exit code; -1 where a signal ended it.
  int Wait() {
    AwaitLine("\n\n");  // never comes: reads to the end
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  std::string output;

 private:
  pid_t pid_ = 0;
  FILE* stderr_ = nullptr;
};

// "a=1 b=2": the value of a field.
inline std::string Field(const std::string& line, const std::string& name) {
  const size_t begin = line.find(name + "=") + name.size() + 1;
  return line.substr(begin, line.find_first_of(" \n", begin) - begin);
}

}  // namespace beak::testing
