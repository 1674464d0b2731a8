#pragma once

#include <cstdint>
#include <string>
#include <vector>

// ONNX files of networks that are small and whose answers one can compute in the head.
namespace beak::testing {

// y = factor * x, float32 [-1, columns]: who is asked shows in the answer.
std::string ScaleNetwork(float factor, int columns = 2);

// What stock clients of the protocol are shipped with: INPUT0, INPUT1 int32 [-1, 16]; OUTPUT0 is their sum, OUTPUT1
// their difference.
std::string SimpleNetwork();

// y = x of an ONNX element type; a dimension of -1 is free.
std::string IdentityNetwork(int type, const std::vector<int64_t>& dims);

// y = x * 1 * 1 ..., float32 [-1, columns], through `steps` matrix products with one another's result: takes its time,
// in many steps.
std::string SlowNetwork(int columns, int steps);

// x float32 [-1, 4], indices int64 [-1]: the rows of x at the indices, which may be out of range.
std::string GatherNetwork();

// indices int64 [-1], from 0 to 9: y float32 [-1, 4], four times each index. Of its rows only the one is wrong whose
// index is out of range.
std::string PickNetwork();

// y = x - the mean over the batch, [-1, 2] of an ONNX float type, or float32 from one of bytes: the answer for a row
// depends on the others.
std::string CentredNetwork(int type);

// y = x, float32 [-1, 1], by way of `columns` copies: takes memory for each row. Less the mean over the batch where it
// `mixes` rows.
std::string WideNetwork(int columns, bool mixes);

// y = the products of all pairs of rows of x, float32 [-1, 1]: n * n rows, as many as x has for one alone.
std::string PairsNetwork();

// A small convolutional classifier with weights at random: x float32 [-1, 3, 16, 16], y [-1, 10]. Convolutions of
// several kinds (3x3, depthwise, 1x1), a residual sum, pools and a Gemm.
std::string ConvNetwork();

}  // namespace beak::testing
