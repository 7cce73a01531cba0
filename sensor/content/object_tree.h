// ObjectTree: the one recursive idea. Takes the objects of one flow from its protocol parsers (and its raw streams),
// gives every object to the ObjectObserver and to the layer that can open it, and does the same with what comes out.
//
// One per flow, made and used in the inspector's thread. The observer, the sinks, the memory and the limits must
// outlive it; it must outlive the consumers it gave out. The same bytes give the same objects however they are split.
#pragma once

#include <list>

#include "config/limits.h"
#include "content/open_memory.h"
#include "model/anomaly.h"
#include "model/object.h"
#include "telemetry/counters.h"

namespace spanwatch::content {

// What the layers learnt of the whole flow, apart from the objects themselves.
struct ContentNotes {
  bool encrypted_archive = false;   // an archive with entries that need a password
  bool evasive = false;             // a recognisable file inside hex or URL-safe base64 that no format explains
  bool limit_reached = false;       // something was given up at a limit
  std::uint64_t objects = 0;        // opened at every depth
  std::uint64_t encoded_bytes = 0;  // of objects of the flow of which nothing could be read (ObjectNode::Unread)
};

class ObjectTree final : public ObjectSink {
 public:
  // `first_id`: of the first object; two trees of one flow have ids apart.
  ObjectTree(ObjectObserver& observer, AnomalySink& anomalies, Counters& counters, const config::Limits& limits,
             OpenMemory& memory, std::uint32_t first_id = 1)
      : observer_(observer),
        anomalies_(anomalies),
        counters_(counters),
        limits_(limits),
        memory_(memory),
        next_id_(first_id) {}

  std::unique_ptr<ObjectConsumer> Open(Direction direction, ObjectInfo info) noexcept override;

  // Ends every object that is open, since memory is wanted elsewhere; what follows of them is not looked at. Not to be
  // called while one of them is being written.
  void GiveUp() noexcept;

  // Of each direction, since a transfer is one direction of a flow.
  const ContentNotes& notes(Direction direction) const { return notes_[Index(direction)]; }

 private:
  friend class ObjectNode;
  class Root;
  ObjectObserver& observer_;
  AnomalySink& anomalies_;
  Counters& counters_;
  const config::Limits& limits_;
  OpenMemory& memory_;
  std::list<Root*> roots_;  // that are open
  ContentNotes notes_[2];
  std::uint32_t next_id_;
};

// Opens what libarchive opens lazily (time zone, character sets, locale): before the inspector is sealed, once.
void WarmUp();

}  // namespace spanwatch::content
