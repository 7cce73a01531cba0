// StreamScript: a conversation as text, one paragraph a segment, and what came out of it as text. For tests of
// protocols.
//
//   > GET /a HTTP/1.1\r\n\r\n          from the client; a further line of the paragraph is joined as it is
//   < HTTP/1.1 200 OK\r\n\r\n          from the server
//   <gap 100                           100 bytes of that direction are missing
//   <end                               no more bytes in that direction
//
// Escapes: \r \n \t \\ \xHH. A direction that is not ended is ended after the last paragraph.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "model/object.h"

namespace spanwatch {

struct StreamEvent {
  enum class Kind { kData, kGap, kEnd };
  Direction direction = Direction::kFromClient;
  Kind kind = Kind::kData;
  Bytes bytes;
  std::uint64_t gap = 0;
};

// Fails the running test when the script cannot be read.
std::vector<StreamEvent> ParseStreamScript(std::string_view script);
// Cuts every segment into pieces; `piece` says how long the next is (at least 1).
std::vector<StreamEvent> Split(const std::vector<StreamEvent>& events, const std::function<std::size_t()>& piece);

struct RecordedObject {
  Direction direction = Direction::kFromClient;
  ObjectInfo info;
  std::string bytes;  // "[gap 12]" where bytes are missing
  ObjectEnd end = ObjectEnd::kAborted;
  bool ended = false;
};

// Keeps the objects it is given, in the order they were opened.
class RecordingObjectSink final : public ObjectSink {
 public:
  std::unique_ptr<ObjectConsumer> Open(Direction direction, ObjectInfo info) noexcept override;
  // Every object in one text, for comparing.
  std::string Describe() const;
  std::vector<std::shared_ptr<RecordedObject>> objects;
};

}  // namespace spanwatch
