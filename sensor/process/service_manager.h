// Tells systemd (or whoever set NOTIFY_SOCKET) how the service is: the datagrams of sd_notify(3), without its library.
// Launcher only. Nothing happens where nobody listens.
#pragma once

#include <string_view>

namespace spanwatch::process {

// `state` as in sd_notify(3): "READY=1", "RELOADING=1\nMONOTONIC_USEC=...", "STOPPING=1".
void NotifyServiceManager(std::string_view state);

}  // namespace spanwatch::process
