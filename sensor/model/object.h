// Objects: files and messages carried by a flow, and what is extracted from them (design.md sections 1 and 3).
//
// `protocol` opens objects of a flow; `content` gives each to an ObjectObserver and to the layers that may open
// children. Everything happens in one inspector thread; no callback keeps a view.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "model/flow.h"
#include "model/flow_facts.h"

namespace spanwatch {

enum class ObjectKind : std::uint8_t {
  kStream,   // one raw direction of a flow, searched whatever the protocol
  kMessage,  // a body that a protocol carries: HTTP body, mail, uploaded file
  kPart,     // multipart part
  kMember,   // archive member
  kDecoded,  // the same content with an encoding taken off: gzip, base64, hex
  kCarved,   // a file found inside other bytes by its format
  kText,     // a piece of text that a format or protocol carries: header, URL, form field
  kFile,     // a file on disk (spanwatch inspect)
};
template <>
inline constexpr std::size_t kCountOf<ObjectKind> = 8;

// Where the object's first byte lies in the whole file, for ranged uploads and downloads (RFC 9110 section 14.4).
struct ByteRange {
  std::uint64_t offset = 0;
  std::optional<std::uint64_t> total;
};

struct ObjectInfo {
  ObjectKind kind = ObjectKind::kMessage;
  std::string step;         // one provenance step, unmasked, at most 256 bytes: "http POST /up", "zip lane3/1.jpg"
  std::string name;         // file name as the carrier gives it; empty where it gives none
  bool asked_name = false;  // the receiver of the object chose that name when it asked for the object
  std::string field;        // a form's field whose value the object is; empty where it is none
  // The object is a text of fields, a line `name=value` each.
  bool fields = false;
  // Shared by all objects of one exchange, children inherit it; null where the object belongs to no exchange.
  std::shared_ptr<const ExchangeFacts> exchange;
  std::string media_type;              // as declared, lower case, without parameters; empty when unknown
  std::string boundary;                // parameter of a multipart media type, unquoted; empty when unknown
  std::vector<std::string> encodings;  // content and transfer encodings still on it, in the order they were applied
  std::optional<std::uint64_t> size;   // as declared
  std::optional<ByteRange> range;
  bool evasive = false;  // found in a wrapping that no format explains (domain.md section 5.3, Evasion)
};

enum class ObjectEnd : std::uint8_t {
  kComplete,   // every byte was delivered, nothing was missing
  kTruncated,  // the end is missing, or bytes before it were
  kAborted,    // given up at a limit, or malformed
};

// What an archive tells without its password of one entry that it encrypts. A view; the same entry may be told twice,
// from its own header and from the archive's directory.
struct ArchiveEntry {
  std::string_view name;               // as the archive gives it; may be empty
  std::uint64_t size = 0;              // of the content
  std::optional<std::uint32_t> crc32;  // of the content; nothing where the archive hides it (WinZip's AE-2)
};

// (OnData | OnGap | OnArchiveEntry)* OnEnd. OnData returns false when the consumer wants no more bytes; the other calls
// are made all the same.
class ObjectConsumer {
 public:
  virtual ~ObjectConsumer() = default;
  virtual bool OnData(ByteView bytes) noexcept = 0;
  virtual void OnGap(std::uint64_t length) noexcept = 0;
  // The object is, or holds as bytes, an archive of which this can be read. Valid for the call.
  virtual void OnArchiveEntry([[maybe_unused]] const ArchiveEntry& entry) noexcept {}
  virtual void OnEnd(ObjectEnd end) noexcept = 0;
};

// Takes the objects of one flow. Given to protocol parsers; implemented by `content`.
class ObjectSink {
 public:
  virtual ~ObjectSink() = default;
  // Never null. The caller calls OnEnd and then drops the consumer, before the sink goes.
  virtual std::unique_ptr<ObjectConsumer> Open(Direction direction, ObjectInfo info) noexcept = 0;
};

// The steps that led to an object, outermost first; bounded by the depth limit of `content`.
using Provenance = std::vector<std::string>;

// What `content` tells the observer of each object; valid until the returned consumer's OnEnd returns.
struct ObjectContext {
  const ObjectInfo* info = nullptr;
  const Provenance* provenance = nullptr;  // ends with info->step
  Direction direction = Direction::kFromClient;
  std::uint32_t id = 0;         // counts the objects of the flow in the order they were opened
  std::uint32_t parent_id = 0;  // 0 for an object of the flow itself; ids begin at 1
  bool evasive = false;         // this object or one around it was found in an evasive wrapping
  bool verbatim = false;        // its bytes are a run of its parent's bytes (stored member, part, carved file)
};

// Sees every object at every depth; implemented by `inspector`, which wires the fingerprints there.
class ObjectObserver {
 public:
  virtual ~ObjectObserver() = default;
  // Null when the observer does not want this object. Children are opened before their parent ends.
  virtual std::unique_ptr<ObjectConsumer> OnObject(const ObjectContext& context) noexcept = 0;
};

}  // namespace spanwatch
