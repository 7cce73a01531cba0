// The inspector process: what `spanwatch role inspector` runs (design.md section 2). Takes its setup from the control
// channel, warms up, seals itself, then inspects until its captures end, it is told to drain, or its parent is gone.
#pragma once

namespace spanwatch::inspector {

// Returns the exit status.
int RunInspectorProcess();

}  // namespace spanwatch::inspector
