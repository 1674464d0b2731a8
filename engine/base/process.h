#pragma once

#include <chrono>
#include <cstdint>

// What the system counts about this process.
namespace beak {

// CPU time that all its threads, those that have ended too, have used, in the kernel and outside.
std::chrono::nanoseconds ProcessCpuTime();

// Bytes of memory that it has in RAM; 0 where the system does not tell.
int64_t ResidentBytes();

}  // namespace beak
