#pragma once

#include <string>

#include "engine/runtime/kernel.h"

namespace beak {

// The backend that Beak runs on: oneDNN and our own vector kernels first, the reference kernels last. Lives as long as
// the process. *Thread-safe.*
const Backend& CpuBackend();

// The reference kernels alone: the oracle that CpuBackend is tested against.
const Backend& ReferenceBackend();

// The library that most of its kernels come from, and its version: "oneDNN 2.6.3". Its bits may depend on that.
std::string KernelLibraryVersion();

}  // namespace beak
