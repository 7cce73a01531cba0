// HashSetPuller: keeps the hash sets that the configuration names by URL as their owner publishes them. It asks each
// URL now and then (If-None-Match), and takes a new set in only when it is whole, signed by the pinned signer, and not
// older than the one it has; until then, and whatever goes wrong, that one stays.
//
//   hashsets/pulled/<url's hash>.swset   the set; renamed into place after it was verified
//   hashsets/pulled/<url's hash>.etag    what the server called it
//   hashsets/pulled/.pulling-*           on its way, one a URL and eight in all, each at most hashset.pull_bytes;
//   removed
//                                        when it fails and, of a process that died, at the next start
//
// Supervisor thread only, on its io_context; big files are verified on a thread of its own. No redirect is followed.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>

#include "config/config.h"
#include "telemetry/counters.h"

namespace spanwatch::supervisor {

// Where the set of this URL lies; it need not be there yet.
std::filesystem::path PulledFile(const std::filesystem::path& state_directory, const std::string& url);

class HashSetPuller {
 public:
  // `limits` and `counters` outlive the puller. `on_pulled` is called after a set was taken in.
  HashSetPuller(boost::asio::io_context& io, const config::Limits& limits, Counters& counters,
                std::filesystem::path state_directory, std::function<void()> on_pulled);
  ~HashSetPuller();
  HashSetPuller(const HashSetPuller&) = delete;
  HashSetPuller& operator=(const HashSetPuller&) = delete;

  // Begins to ask the URLs among these, at once; stops with those that are no longer among them. Refuses, and changes
  // nothing, when a signer or an authority cannot be read.
  Status Configure(const std::vector<config::HashSetConfig>& hashsets);

  struct Shared;  // what the pulls under way use
 private:
  std::shared_ptr<Shared> shared_;
};

}  // namespace spanwatch::supervisor
