// What the launcher and the supervisor may never do. They open files and sockets, and the launcher starts programs, so
// their filters cannot be as narrow as that of an inspector (sandbox.h): these name what no part of Spanwatch needs and
// what whoever captures a process reaches for next. A call that is named fails with EPERM.
//
// Called once, by the process itself, before it reads anything that others wrote. A filter stays for the life of the
// process and of every process it starts, so the launcher's refuses what all of them can do without, and the
// supervisor adds to it.
#pragma once

#include "base/result.h"

namespace spanwatch::process {

// Closes every descriptor but standard input, output and error: whatever a shell or a service manager left open is no
// business of the sensor's. The launcher's, before it opens anything; of a child, Child::Start does it.
void CloseInherited();

// Refuses to look into or change other processes, kernel modules, mounts, namespaces, users, clocks, and memory that
// can be both written and executed.
Status ConfineLauncher();
// Refuses that and programs, processes, raw sockets, capabilities, and signals to others.
Status ConfineSupervisor();

}  // namespace spanwatch::process
