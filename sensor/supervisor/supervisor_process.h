// The supervisor process: what `spanwatch role supervisor` runs (design.md section 2). Takes its setup from the control
// channel, drains the rings as long as the launcher lives, reloads when told, delivers what it can when told to end.
#pragma once

namespace spanwatch::supervisor {

// Returns the exit status: 0 when everything was judged and committed.
int RunSupervisorProcess();

}  // namespace spanwatch::supervisor
