#include "support/stream_script.h"

#include <gtest/gtest.h>

#include <algorithm>

#include <fmt/format.h>

namespace spanwatch {
namespace {

class Recorder final : public ObjectConsumer {
 public:
  explicit Recorder(std::shared_ptr<RecordedObject> object) : object_(std::move(object)) {}
  bool OnData(ByteView bytes) noexcept override {
    EXPECT_FALSE(object_->ended);
    object_->bytes += AsText(bytes);
    return true;
  }
  void OnGap(std::uint64_t length) noexcept override { object_->bytes += fmt::format("[gap {}]", length); }
  void OnEnd(ObjectEnd end) noexcept override {
    EXPECT_FALSE(object_->ended);
    object_->end = end;
    object_->ended = true;
  }

 private:
  std::shared_ptr<RecordedObject> object_;
};

void AppendUnescaped(std::string_view text, Bytes& bytes) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '\\' && i + 1 < text.size()) {
      c = text[++i];
      if (c == 'r')
        c = '\r';
      else if (c == 'n')
        c = '\n';
      else if (c == 't')
        c = '\t';
      else if (c == 'x' && i + 2 < text.size()) {
        c = static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
        i += 2;
      }
    }
    bytes.push_back(static_cast<std::uint8_t>(c));
  }
}

}  // namespace

std::vector<StreamEvent> ParseStreamScript(std::string_view script) {
  std::vector<StreamEvent> events;
  bool ended[2] = {};
  bool paragraph_open = false;
  while (!script.empty()) {
    const std::size_t line_end = std::min(script.find('\n'), script.size());
    std::string_view line = script.substr(0, line_end);
    script.remove_prefix(std::min(line_end + 1, script.size()));
    if (line.empty()) {
      paragraph_open = false;
      continue;
    }
    if (paragraph_open) {
      AppendUnescaped(line, events.back().bytes);
      continue;
    }
    if (line[0] != '>' && line[0] != '<') {
      ADD_FAILURE() << "a paragraph begins with > or <";
      return {};
    }
    StreamEvent event;
    event.direction = line[0] == '>' ? Direction::kFromClient : Direction::kFromServer;
    line.remove_prefix(1);
    if (line.starts_with("gap ")) {
      event.kind = StreamEvent::Kind::kGap;
      event.gap = std::stoull(std::string(line.substr(4)));
    } else if (line == "end") {
      event.kind = StreamEvent::Kind::kEnd;
      ended[Index(event.direction)] = true;
    } else {
      AppendUnescaped(line.substr(line.starts_with(' ') ? 1 : 0), event.bytes);
      paragraph_open = true;
    }
    events.push_back(std::move(event));
  }
  for (const Direction direction : {Direction::kFromClient, Direction::kFromServer}) {
    if (ended[Index(direction)]) continue;
    StreamEvent end;
    end.direction = direction;
    end.kind = StreamEvent::Kind::kEnd;
    events.push_back(end);
  }
  return events;
}

std::vector<StreamEvent> Split(const std::vector<StreamEvent>& events, const std::function<std::size_t()>& piece) {
  std::vector<StreamEvent> split;
  for (const StreamEvent& event : events) {
    if (event.kind != StreamEvent::Kind::kData) {
      split.push_back(event);
      continue;
    }
    for (std::size_t at = 0; at < event.bytes.size();) {
      const std::size_t length = std::min(std::max<std::size_t>(piece(), 1), event.bytes.size() - at);
      StreamEvent part = event;
      part.bytes.assign(event.bytes.begin() + static_cast<std::ptrdiff_t>(at),
                        event.bytes.begin() + static_cast<std::ptrdiff_t>(at + length));
      split.push_back(std::move(part));
      at += length;
    }
  }
  return split;
}

std::unique_ptr<ObjectConsumer> RecordingObjectSink::Open(Direction direction, ObjectInfo info) noexcept {
  auto object = std::make_shared<RecordedObject>();
  object->direction = direction;
  object->info = std::move(info);
  objects.push_back(object);
  return std::make_unique<Recorder>(object);
}

std::string RecordingObjectSink::Describe() const {
  std::string text;
  for (const auto& object : objects) {
    const ObjectInfo& info = object->info;
    text += fmt::format(
        "{} {} kind={} step={} name={} type={} boundary={} encodings={} size={} range={} end={} bytes={}\n",
        Index(object->direction), object->ended ? "ended" : "open", static_cast<int>(info.kind), info.step, info.name,
        info.media_type, info.boundary, fmt::join(info.encodings, ","), info.size ? std::to_string(*info.size) : "-",
        info.range ? std::to_string(info.range->offset) : "-", static_cast<int>(object->end), object->bytes);
  }
  return text;
}

}  // namespace spanwatch
