#pragma once

#include <chrono>
#include <cstdint>

// What the system counts about this process and its threads.
namespace beak {

// CPU time that all its threads, those that have ended too, have used, in the kernel and outside.
std::chrono::nanoseconds ProcessCpuTime();
// CPU time that the calling thread has used: what passes while it waits for a core is not in it.
std::chrono::nanoseconds ThreadCpuTime();

// Bytes of memory that it has in RAM; 0 where the system does not tell.
int64_t ResidentBytes();
// The most that it has had there since its program was started; 0 likewise. Other than getrusage's figure this does not
// have what the process was before.
int64_t PeakResidentBytes();

}  // namespace beak
