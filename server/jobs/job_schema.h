#pragma once

#include "server/jobs/sqlite.h"

namespace beak {

// Of the database of train jobs. A script that was released is never changed; what changes is a script more.
const SqliteSchema& JobSchema();

}  // namespace beak
