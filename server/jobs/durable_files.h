#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

// Changes of the disk, one at a time, that a loss of power does not undo once the folder they are in has been synced.
// Errors name the path: RESOURCE_EXHAUSTED where the disk is full, FAILED_PRECONDITION where it is read-only,
// PERMISSION_DENIED, NOT_FOUND, ALREADY_EXISTS.
namespace beak {

// Not for what is there already.
absl::Status MakeFolder(const std::string& path);
// A regular file as a new one, synced.
absl::Status CopyFile(const std::string& from, const std::string& to);
// What the folder holds keeps its names.
absl::Status SyncFolder(const std::string& path);
// A file or folder within its file system. ALREADY_EXISTS where there is something of that name, which stays.
absl::Status RenameToNew(const std::string& from, const std::string& to);
// In place of a file, if there is one.
absl::Status RenameOver(const std::string& from, const std::string& to);
// A file or folder with all it holds; links are not followed. OK where there is none.
absl::Status RemoveAll(const std::string& path);

// Something is there: a file, a folder, or a link that leads nowhere.
bool IsThere(const std::string& path);

}  // namespace beak
