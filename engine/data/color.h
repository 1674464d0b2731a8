#pragma once

#include "engine/tensor/tensor.h"

namespace beak::data {

// Changes of colour, as torchvision's functional_tensor defines them, on planes (see planes.h) of 0 .. 255, in place;
// what leaves that range is cut off. Gray is 0.2989 R + 0.587 G + 0.114 B. Pure but for that.

// Every value times `factor`.
void AdjustBrightness(Tensor& planes, float factor);

// Away from the mean of the picture's gray (of the values, where there is one channel) or towards it: 0 leaves only
// that.
void AdjustContrast(Tensor& planes, float factor);

// Away from each pixel's gray or towards it. Nothing with one channel. REQUIRES: one channel or three.
void AdjustSaturation(Tensor& planes, float factor);

// Turns the hue by `turn` of the whole circle, in HSV. Nothing with one channel. REQUIRES: one channel or three.
void AdjustHue(Tensor& planes, float turn);

}  // namespace beak::data
