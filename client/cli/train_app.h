#pragma once

#include "client/cli/command.h"

namespace beak::cli {

// Declares `beak train ...`.
void AddTrain(CLI::App& app, Command& command);

}  // namespace beak::cli
