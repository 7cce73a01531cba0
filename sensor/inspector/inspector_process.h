// The inspector process: what `spanwatch role inspector` runs (design.md section 2). Takes its setup from the control
// channel, warms up, seals itself, then inspects until its captures end, it is told to drain, or its parent is gone.
#pragma once

namespace spanwatch::inspector {

// Its exit status when it inspected all that could be read, and named what could not.
inline constexpr int kInputNotWhole = 4;

// Returns the exit status: 0, 1 when it failed, or kInputNotWhole.
int RunInspectorProcess();

}  // namespace spanwatch::inspector
