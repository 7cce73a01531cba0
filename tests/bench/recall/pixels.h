// Changes to the samples of a picture, for the transformations of the recall table. Pure.
#pragma once

#include <functional>

#include "support/picture_codec.h"

namespace spanwatch::bench {

using test::Picture;

Picture Tone(Picture picture, const std::function<double(double)>& level);
Picture Grey(Picture picture);
Picture Noisy(Picture picture, double deviation, std::uint64_t seed);
// Two passes of a box of 2 radius + 1.
Picture Blurred(const Picture& picture, int radius);
Picture Scaled(const Picture& picture, double width, double height);
// Shares cut off each side.
Picture Trimmed(const Picture& picture, double left, double top, double right, double bottom);
// About the centre, in degrees; what comes in from outside is black.
Picture Rotated(const Picture& picture, double degrees);
Picture Mirrored(const Picture& picture);
Picture Upright(const Picture& picture, int quarter_turns);
// With more around it, in shares of its sides.
Picture Framed(const Picture& picture, double left, double top, double right, double bottom, std::uint8_t level);
void FillBox(Picture& picture, double left, double top, double right, double bottom, std::uint8_t level);
// Strokes that look like a line of text, in shares of the sides.
void Scribble(Picture& picture, double left, double top, double right, double bottom, std::uint8_t level);
void Paste(Picture& onto, const Picture& part, std::uint32_t x, std::uint32_t y);

}  // namespace spanwatch::bench
