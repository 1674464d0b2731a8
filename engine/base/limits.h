#pragma once

#include <cstddef>
#include <cstdint>

// The limits that outside bytes are held to, before anything is multiplied or allocated. Generous for every real
// convolutional network, small enough that a hostile file or request cannot exhaust the machine.
namespace beak::limits {

inline constexpr int kMaxRank = 16;                                 // dimensions of a tensor
inline constexpr int64_t kMaxTensorBytes = int64_t{4} << 30;        // one tensor, also intermediate ones
inline constexpr int64_t kMaxModelFileBytes = int64_t{2} << 30;     // one model file; protobuf's own limit
inline constexpr int64_t kMaxModelWeightsBytes = int64_t{8} << 30;  // all weights of a model, external data included
inline constexpr int kMaxGraphNodes = 100'000;
inline constexpr int kMaxSubgraphDepth = 16;
inline constexpr int64_t kMaxWorkspaceBytes = int64_t{8} << 30;  // one run's activations
inline constexpr int64_t kMaxFoldedBytes = int64_t{1} << 30;     // what constant folding may produce in one graph
inline constexpr size_t kMaxNameBytes = 4096;                    // a model's, node's or value's name
inline constexpr int64_t kMaxImagePixels = int64_t{64} << 20;
inline constexpr int64_t kMaxDataFileBytes = int64_t{4} << 30;  // one file of a data set, also once decompressed
inline constexpr int64_t kMaxImageFileBytes = int64_t{64} << 20;
inline constexpr int64_t kMaxPrefetchBytes = int64_t{4} << 30;  // batches of samples read ahead of training

}  // namespace beak::limits
