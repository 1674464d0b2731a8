#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace beak {

// What a token allows; a set of them is their sum.
enum Role : uint8_t { kPredict = 1, kAdmin = 2, kTrain = 4, kMetrics = 8 };
using Roles = uint8_t;
inline constexpr Roles kOpen = 0;  // in the table: nobody is asked for a token

// Any of `roles` suffices to call `method`.
struct MethodRule {
  std::string_view method;
  Roles roles;
};

// Every method and path that there is. *Immutable.*
std::span<const MethodRule> MethodRules();
// The roles of its row; the admin's for a method that has none.
Roles SufficientRoles(std::string_view method);

// By its name in a token file.
std::optional<Role> FindRole(std::string_view name);
// "predict or admin", "nothing" for none.
std::string RoleNames(Roles roles);

}  // namespace beak
