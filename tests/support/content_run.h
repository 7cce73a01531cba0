// ContentRun: one ObjectTree with everything around it recorded; Open-and-feed in whole, in single bytes or in random
// pieces.
#pragma once

#include "content/object_tree.h"
#include "support/content_samples.h"
#include "support/object_recorder.h"
#include "telemetry/anomaly_codes.h"

namespace spanwatch::testing {

struct ContentRun {
  config::Limits limits;
  Counters counters;
  AnomalyRecorder anomalies;
  ObjectRecorder recorder;
  content::OpenMemory memory{limits.content_memory_bytes};
  content::ObjectTree tree{recorder, anomalies, counters, limits, memory};

  ContentRun() = default;
  explicit ContentRun(const config::Limits& chosen) : limits(chosen) {}

  const content::ContentNotes& notes() const { return tree.notes(Direction::kFromClient); }
  std::unique_ptr<ObjectConsumer> Open(ObjectInfo info) {
    if (info.step.empty()) info.step = "root";
    return tree.Open(Direction::kFromClient, std::move(info));
  }
  // `piece`: 0 gives everything at once, 1 single bytes, more: random pieces of up to so many bytes.
  void Feed(ObjectInfo info, const std::string& text, std::size_t piece = 0) {
    const auto consumer = Open(std::move(info));
    Pass(*consumer, text, piece);
    consumer->OnEnd(ObjectEnd::kComplete);
  }
  static void Pass(ObjectConsumer& consumer, const std::string& text, std::size_t piece = 0) {
    Noise noise(piece + 1);
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t most = text.size() - at;
      std::size_t length = piece == 0 ? most : piece == 1 ? 1 : 1 + noise.Next() % piece;
      length = std::min(length, most);
      // A copy of its own, so that a view kept too long is found by AddressSanitizer.
      const Bytes part(text.begin() + static_cast<std::ptrdiff_t>(at),
                       text.begin() + static_cast<std::ptrdiff_t>(at + length));
      consumer.OnData(part);
      at += length;
    }
  }
};

// The objects that come out, for the four ways of splitting the bytes; equal when the content stage is right.
inline std::vector<std::multiset<std::string>> EverySplit(const ObjectInfo& info, const std::string& text) {
  std::vector<std::multiset<std::string>> all;
  for (const std::size_t piece : {0, 1, 7, 1460}) {
    ContentRun run;
    run.Feed(info, text, piece);
    all.push_back(run.recorder.Summary());
  }
  return all;
}

}  // namespace spanwatch::testing
