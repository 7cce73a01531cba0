// Capture files: pcap (microseconds or nanoseconds, either byte order, modified) through libpcap, pcapng through
// pcapng_file.h, transparently unpacked from gzip (RFC 1952) and zstd (RFC 8878); all are known by their first bytes.
// Called by the replay reader.
//
// Works on anything that can be read, pipes included: nothing seeks. Reads at once as far as the file's header; after
// that only read(2) on the descriptor is called, so that the sandbox may close between opening and delivering, or
// before both.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "base/unique_fd.h"
#include "capture/packet_source.h"

namespace spanwatch::capture {

class CaptureFile : public PacketSource {
 public:
  // DLT_ values of libpcap (pcap-linktype(7)) of the interfaces met so far, each once.
  virtual std::span<const int> link_types() const = 0;
  // Frames that, as the file says, whoever captured it missed.
  virtual std::uint64_t lost_frames() const = 0;
};

// `name` stands in messages only. What cannot be read becomes an error of one line.
Result<std::unique_ptr<CaptureFile>> OpenCaptureFile(UniqueFd fd, std::string name);
// As pcap-linktype(7) names a DLT_ value; empty for one that libpcap does not know.
std::string LinkTypeName(int link_type);

}  // namespace spanwatch::capture
