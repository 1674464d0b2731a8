#pragma once

#include "engine/onednn/dnnl_compat.h"
#include "engine/ops/window.h"

// What convolutions and their gradients share.
namespace beak::onednn {

WindowDims ToWindowDims(const Window& window);
// With the end pads that oneDNN wants: exactly what the output's size says. `input` is the full shape.
WindowDims ExactConvolutionWindow(const Window& window, const Shape& input);

// [M, C/g, kernel...] as [M, C/g, ...] or, with groups, [g, M/g, C/g, ...]: the same bytes.
Dims GroupedWeights(const Shape& weights, int64_t group);

// A library kernel that is no slower for being given the layout that is there: its own vector code, not a plain loop.
bool IsFast(const char* name);

}  // namespace beak::onednn
