#pragma once

#include <vector>

#include "engine/reference/reference.h"

namespace beak {

// The families of reference kernels, one source file each; reference.cc lists them all.

std::vector<ReferenceEntry> ActivationGradientReferences();  // activation_gradient.cc
std::vector<ReferenceEntry> BinaryReferences();              // binary.cc
std::vector<ReferenceEntry> CastReferences();                // cast.cc
std::vector<ReferenceEntry> ConvReferences();                // conv.cc
std::vector<ReferenceEntry> ConvGradientReferences();        // conv_gradient.cc
std::vector<ReferenceEntry> ConvTransposeReferences();       // conv_transpose.cc
std::vector<ReferenceEntry> CrossEntropyReferences();        // cross_entropy.cc
std::vector<ReferenceEntry> DropoutReferences();             // dropout.cc
std::vector<ReferenceEntry> GatherGradientReferences();      // gather_gradient.cc
std::vector<ReferenceEntry> GemmReferences();                // gemm.cc
std::vector<ReferenceEntry> JoinReferences();                // join.cc
std::vector<ReferenceEntry> NormReferences();                // norm.cc
std::vector<ReferenceEntry> NormGradientReferences();        // norm_gradient.cc
std::vector<ReferenceEntry> PadReferences();                 // pad.cc
std::vector<ReferenceEntry> PoolReferences();                // pool.cc
std::vector<ReferenceEntry> PoolGradientReferences();        // pool_gradient.cc
std::vector<ReferenceEntry> ReduceReferences();              // reduce.cc
std::vector<ReferenceEntry> ResizeReferences();              // resize.cc
std::vector<ReferenceEntry> ShapeReferences();               // shape.cc
std::vector<ReferenceEntry> SliceReferences();               // slice.cc
std::vector<ReferenceEntry> SoftmaxReferences();             // softmax.cc
std::vector<ReferenceEntry> TransposeReferences();           // transpose.cc
std::vector<ReferenceEntry> UnaryReferences();               // unary.cc
std::vector<ReferenceEntry> VariadicReferences();            // variadic.cc

}  // namespace beak
