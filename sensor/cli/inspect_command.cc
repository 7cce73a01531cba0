// spanwatch inspect: the content pipeline over files on disk: which registered items are in them.
#include <fcntl.h>
#include <signal.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/file.h"
#include "base/file_walk.h"
#include "base/hex.h"
#include "base/printable.h"
#include "cli/sensor_options.h"
#include "process/inspector_group.h"
#include "process/message_codec.h"
#include "process/ring.h"
#include "telemetry/anomaly_codes.h"

namespace spanwatch::cli {
namespace {

constexpr std::size_t kFilesAtOnce = 128;  // of one inspector process; descriptors of one message are limited
constexpr std::size_t kItemsListed = 32;

struct InspectOptions {
  SensorOptions sensor;
  std::vector<std::string> files;
  bool json = false;
};

struct Findings {
  std::size_t files = 0;
  std::size_t unreadable = 0;
  std::size_t sightings = 0;
  // Of the files of one batch, by position and anomaly: what was recognised and could not be read.
  std::map<std::pair<std::size_t, std::string>, std::uint64_t> unread;
  std::size_t refused = 0;  // messages of the inspector that could not be read
};

void PrintJson(const Sighting& sighting, const std::string& file) {
  nlohmann::json line{{"file", file},
                      {"name", sighting.object_name},
                      {"size", sighting.object_size},
                      {"mime_type", sighting.media_type},
                      {"collection", sighting.collection},
                      {"hashset", {{"name", sighting.hashset_name}, {"serial", sighting.hashset_serial}}},
                      {"method", ToString(sighting.method)},
                      {"confidence", ToString(sighting.confidence)},
                      {"item_count", sighting.items.size()},
                      {"provenance", sighting.provenance},
                      {"evasive", sighting.evasive}};
  if (sighting.sha256) line["sha256"] = ToHex(*sighting.sha256);
  auto& items = line["items"] = nlohmann::json::array();
  for (const SightedItem& item : sighting.items) {
    if (items.size() < kItemsListed) items.push_back(ToHex(item.id));
  }
  if (sighting.method == Method::kPerceptual && !sighting.items.empty())
    line["distance"] = sighting.items.front().distance;
  if (sighting.records) {
    line["records"] = {{"distinct_plates", sighting.records->distinct_plates},
                       {"supported_plates", sighting.records->supported_plates},
                       {"distinct_tokens", sighting.records->distinct_tokens},
                       {"probability", sighting.records->probability}};
  }
  if (sighting.archive) {
    line["archive"] = {{"entries_listed", sighting.archive->entries_listed},
                       {"entries_matched", sighting.archive->entries_matched},
                       {"sizes_matched", sighting.archive->sizes_matched},
                       {"probability", sighting.archive->probability}};
  }
  std::puts(line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
}

// Who ran this has named the file, and is to know it again. Names in it stay masked, as in all that leaves an
// inspector.
void ShowAsNamed(Sighting& sighting, const std::string& file) {
  constexpr std::string_view kStep = "file ";
  const std::string name = std::filesystem::path(file).filename();
  if (sighting.provenance.empty() || !sighting.provenance.front().starts_with(kStep)) return;
  sighting.provenance.front() = std::string(kStep) + name;
  if (sighting.provenance.size() == 1) sighting.object_name = name;
}

void PrintText(const Sighting& sighting, const std::string& file) {
  std::printf("%s: %zu registered item%s of %s by %s (%s): %s\n", Printable(file).c_str(), sighting.items.size(),
              sighting.items.size() == 1 ? "" : "s", Printable(sighting.collection).c_str(),
              std::string(ToString(sighting.method)).c_str(), std::string(ToString(sighting.confidence)).c_str(),
              Printable(fmt::format("{}", fmt::join(sighting.provenance, " / "))).c_str());
}

// Every regular file below the arguments, sorted, so that the output is the same each time; `-` is standard input. What
// cannot be read is named, and the rest goes on.
std::vector<std::string> FilesNamed(const std::vector<std::string>& arguments, Findings& findings) {
  const auto problem = [&](const std::string& what) {
    ++findings.unreadable;
    Report({ErrorCode::kIo, what});
  };
  std::vector<std::string> files;
  for (const std::string& argument : arguments) {
    if (argument == "-") {
      files.emplace_back("/dev/stdin");
      continue;
    }
    std::error_code error;
    if (!std::filesystem::is_directory(argument, error)) {
      files.push_back(argument);
      continue;
    }
    const std::vector<std::string> below = FilesBelow(argument, problem);
    files.insert(files.end(), below.begin(), below.end());
  }
  return files;
}

// What tells that something was not looked at; the rest of the vocabulary is of packets or of evasion.
bool MeansUnread(std::string_view code) {
  return code.starts_with("unread_") || (code.starts_with("content_") && code != "content_evasive") ||
         code == "picture_over_limit";
}

// On the standard error, a line for each file and reason: the findings of such a file are not all there is.
void PrintUnread(const std::vector<std::string>& names, Findings& findings) {
  for (const auto& [key, count] : findings.unread) {
    const auto& [position, code] = key;
    if (position >= names.size()) continue;
    const auto* anomaly = std::ranges::find(kAnomalies, std::string_view(code), &AnomalyDescription::name);
    const std::string help(anomaly == kAnomalies.end() ? std::string_view(code) : anomaly->help);
    const std::string name = Printable(names[position]);
    if (!code.starts_with("unread_")) {
      std::fprintf(stderr, "%s: %s\n", name.c_str(), help.c_str());
      continue;
    }
    std::fprintf(stderr, "%s: %llu object%s or archive member%s not read: %s\n", name.c_str(),
                 static_cast<unsigned long long>(count), count == 1 ? "" : "s", count == 1 ? "" : "s",
                 help.substr(0, help.find(':')).c_str());
  }
  findings.unread.clear();
}

void TakeFindings(process::RingReader& ring, const std::vector<std::string>& names, bool json, Findings& findings) {
  while (auto message = ring.Take()) {
    auto decoded = process::DecodeMessage(message->payload);
    ring.Release();
    const auto* anomaly = decoded ? std::get_if<AnomalyReport>(&*decoded) : nullptr;
    if (anomaly != nullptr && anomaly->flow && MeansUnread(anomaly->code)) {
      findings.unread[{anomaly->flow->flow_id, anomaly->code}] += anomaly->count;
    }
    if (!decoded) ++findings.refused;
    auto* sighting = decoded ? std::get_if<Sighting>(&*decoded) : nullptr;
    if (sighting == nullptr || sighting->phase == SightingPhase::kFirst) continue;
    ++findings.sightings;
    const std::size_t position = sighting->flow.flow_id;
    const std::string& file = position < names.size() ? names[position] : sighting->object_name;
    if (position < names.size()) ShowAsNamed(*sighting, file);
    json ? PrintJson(*sighting, file) : PrintText(*sighting, file);
  }
}

Status InspectBatch(const config::Config& config, OpenedHashSets& sets, std::span<const std::string> files, bool json,
                    Findings& findings) {
  auto group = process::InspectorGroup::Make(1, kOfflineRingBytes);
  if (!group) return Fail(group.error());
  process::InspectorSetup setup;
  setup.mode = process::InspectorMode::kFiles;
  setup.sensor_name = config.sensor_name;
  setup.zones = Zones::Any();
  setup.limits = config.limits;
  setup.trusted_keys = sets.trusted_keys;
  for (const auto& input : sets.inputs) {
    setup.hashsets.push_back({UniqueFd(::fcntl(input.file.get(), F_DUPFD_CLOEXEC, 0)), input.record_key, input.name});
  }
  std::vector<std::string> names;
  for (const std::string& name : files) {
    if (IsNamedPipe(name)) {
      std::fprintf(stderr, "%s is a pipe; waiting for what is written into it\n", Printable(name).c_str());
    }
    auto file = OpenForReading(name);
    if (!file) {
      ++findings.unreadable;
      Report(file.error());
      continue;
    }
    names.push_back(name);
    setup.inputs.push_back({name, std::move(*file)});
  }
  findings.files += names.size();
  auto ring_fd = group->DuplicateRing(0);
  if (!ring_fd) return Fail(ring_fd.error());
  auto ring = process::RingReader::Open(ring_fd->get());
  if (!ring) return Fail(ring.error());
  if (Status status = group->Start(0, std::move(setup)); !status) return status;
  std::optional<int> ended;
  while (!ended) {
    TakeFindings(*ring, names, json, findings);
    if (ring->corrupt()) group->child(0).Signal(SIGKILL);
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    ended = group->TakeEnded(0);
  }
  TakeFindings(*ring, names, json, findings);
  PrintUnread(names, findings);
  if (*ended != 0)
    return Fail(ErrorCode::kIo, "the inspector ended early (status {}); the findings are incomplete", *ended);
  return {};
}

Result<int> Inspect(const InspectOptions& options) {
  if (Status status = CheckInspected(options.files); !status) return Fail(status.error());
  const auto config = ConfigOf(options.sensor);
  if (!config) return Fail(config.error());
  auto sets = OpenHashSets(*config);
  if (!sets) return Fail(sets.error());
  Findings findings;
  const std::vector<std::string> files = FilesNamed(options.files, findings);
  for (std::size_t begin = 0; begin < files.size(); begin += kFilesAtOnce) {
    const auto batch = std::span(files).subspan(begin, std::min(kFilesAtOnce, files.size() - begin));
    if (Status status = InspectBatch(*config, *sets, batch, options.json, findings); !status)
      return Fail(status.error());
  }
  std::fflush(stdout);
  std::fprintf(stderr, "%zu files inspected, %zu sightings%s\n", findings.files, findings.sightings,
               findings.unreadable == 0 ? "" : fmt::format(", {} files not readable", findings.unreadable).c_str());
  if (findings.refused != 0) {
    return Fail(ErrorCode::kCorrupt,
                "{} messages of the inspector could not be read: the findings are incomplete; this is a fault of the "
                "program, report it with the file",
                findings.refused);
  }
  std::uint64_t unsearched = 0;
  for (const auto& facts : sets->facts) unsearched += facts.unsearched_records;
  if (unsearched > 0) {
    std::fprintf(stderr, "%s records were not looked for: their hash set needs a --record-key\n",
                 std::to_string(unsearched).c_str());
  }
  if (findings.unreadable != 0 || (unsearched > 0 && findings.sightings == 0)) return kExitFailed;
  return findings.sightings == 0 ? kExitDone : kExitFound;
}

}  // namespace

void AddInspectCommand(CLI::App& app, int& exit_status) {
  CLI::App* command =
      app.add_subcommand("inspect", "Says which registered items are in files; exits with 3 when there are any");
  auto options = std::make_shared<InspectOptions>();
  AddHashSetOptions(*command, options->sensor);
  command->add_flag("--json", options->json, "One JSON object a line");
  command->add_option("files", options->files, "Files or folders; - is standard input")->required();
  command->footer(
      "Example: spanwatch inspect --hashset agency.swset --trust owner.pub --record-key record.key --json export.zip");
  command->callback([options, &exit_status] {
    const auto result = Inspect(*options);
    exit_status = result ? *result : Report(result.error());
  });
}

}  // namespace spanwatch::cli
