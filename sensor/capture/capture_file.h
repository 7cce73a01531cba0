// Capture files: pcap (microseconds or nanoseconds, either byte order) and pcapng through libpcap, transparently
// unpacked from gzip (RFC 1952) and zstd (RFC 8878), which are known by their first bytes. Called by the replay reader.
//
// Works on anything that can be read, pipes included: nothing seeks. Reads at once as far as the file's header; after
// that only read(2) on the descriptor is called, so that the sandbox may close between opening and delivering, or
// before both.
#pragma once

#include <memory>
#include <string>

#include "base/unique_fd.h"
#include "capture/packet_source.h"

namespace spanwatch::capture {

// `name` stands in messages only. What libpcap refuses becomes an error of one line.
Result<std::unique_ptr<PacketSource>> OpenCaptureFile(UniqueFd fd, std::string name);

}  // namespace spanwatch::capture
