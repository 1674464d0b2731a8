#pragma once

#include <string>
#include <vector>

#include "client/types.h"

// What `beak model` and `beak health` print: tables for people, JSON for machines. Pure.
namespace beak::cli {

std::string ToText(const std::vector<client::ModelIndex>& models);
std::string ToJson(const std::vector<client::ModelIndex>& models);

// The table of executions by their rows follows the one of models. Times are means in milliseconds; in JSON, counts and
// nanoseconds as the server gave them.
std::string ToText(const std::vector<client::ModelStatistics>& statistics);
std::string ToJson(const std::vector<client::ModelStatistics>& statistics);

// "m version 2: loaded"; without a version, "m: loaded".
std::string ActionText(const std::string& model, const std::string& version, const std::string& done);
std::string ActionJson(const std::string& model, const std::string& version, const std::string& done);

// "SERVING", "NOT_SERVING" or "UNKNOWN".
std::string ToText(client::HealthStatus status);

// An object of the service's name and its status.
std::string HealthJson(const std::string& service, client::HealthStatus status);

}  // namespace beak::cli
