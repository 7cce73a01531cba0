#include "supervisor/hashset_puller.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <xxhash.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <map>
#include <random>
#include <set>

#include "alert/http_exchange.h"
#include "base/file.h"
#include "base/key_file.h"
#include "supervisor/hashset_store.h"
#include "telemetry/log.h"

namespace spanwatch::supervisor {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;
using alert::kAsValue;
using hashset::MappedHashSet;
using Clock = std::chrono::steady_clock;
using std::chrono::seconds;

constexpr std::string_view kPulling = ".pulling-";
constexpr int kOk = 200;
constexpr int kNotModified = 304;
constexpr std::size_t kPieceBytes = 256 * 1024;
constexpr std::size_t kEtagBytesMax = 512;
constexpr seconds kFirstBackoff{5};
// Also of URLs that a reload took away, and whose pulls are still ending: so many files of hashset.pull_bytes at most.
constexpr std::size_t kPullsAtOnce = 8;
constexpr std::chrono::milliseconds kTurnInterval{100};

enum class Outcome { kTaken, kUnchanged, kFailed, kRefused };

struct Pulled {
  Outcome outcome = Outcome::kFailed;
  std::string reason;
};

// One URL. Pulls under way share it with the puller.
struct Source {
  explicit Source(const asio::any_io_executor& executor) : timer(executor) {}
  std::string url;
  std::vector<Bytes> signer;  // one key
  fs::path file;
  std::shared_ptr<alert::HttpTarget> target;
  asio::steady_timer timer;
  bool stopped = false;
  unsigned failures = 0;  // one after the other
  std::int64_t last_success = 0;
};

std::string ReadEtag(const Source& source) {
  std::error_code error;
  if (!fs::exists(source.file, error)) return "";
  const auto content = ReadFile(fs::path(source.file).replace_extension(".etag"), kEtagBytesMax);
  return content ? std::string(AsText(*content)) : "";
}

// Writes the body of a new set to `file`. One that is too long, breaks off or takes too long fails.
asio::awaitable<Result<alert::HttpAnswer>> Download(std::shared_ptr<Source> source, const config::Limits& limits,
                                                    const UniqueFd& file) {
  const auto deadline = Clock::now() + seconds(limits.hashset_pull_time_s);
  alert::HttpExchange exchange(source->target);
  alert::HttpRequest request{.answer_bytes_max = limits.hashset_pull_bytes};
  if (std::string etag = ReadEtag(*source); !etag.empty())
    request.fields.emplace_back("If-None-Match", std::move(etag));
  auto answer = co_await exchange.Ask(request);
  if (!answer || answer->status == kNotModified) co_return answer;
  if (answer->status != kOk) co_return Fail(ErrorCode::kUnavailable, "HTTP {}", answer->status);
  Bytes piece(kPieceBytes);
  while (true) {
    const auto got = co_await exchange.Read(piece);
    if (!got) co_return Fail(got.error());
    if (*got == 0) co_return answer;
    const Status written = WriteAll(file.get(), ByteView(piece).first(*got), "a hash set that is pulled");
    if (!written) co_return Fail(written.error());
    if (source->stopped) co_return Fail(ErrorCode::kUnavailable, "it is no longer wanted");
    if (Clock::now() > deadline) co_return Fail(ErrorCode::kUnavailable, "the transfer took too long");
  }
}

// Whether what came may take the place of what is there. On the thread that verifies.
Pulled Judge(const Source& source, const fs::path& came) {
  const auto set = MappedHashSet::Open(came, source.signer);
  if (!set) return {Outcome::kRefused, set.error().message};
  if (const Status whole = (*set)->VerifyChecksums(); !whole) return {Outcome::kRefused, whole.error().message};
  const auto before = MappedHashSet::Open(source.file, source.signer);
  if (!before) return {Outcome::kTaken, ""};
  const TakenSet was = Describe(**before, source.file);
  const TakenSet now = Describe(**set, source.file);
  if (now.id == was.id) return {Outcome::kUnchanged, ""};
  if (now.line == was.line && now.serial < was.serial) {
    return {Outcome::kRefused, fmt::format("serial {} is older than serial {}", now.serial, was.serial)};
  }
  return {Outcome::kTaken, ""};
}

// What a process that died left of its pulls. REQUIRES: no pull is under way.
void RemoveLeftovers(const fs::path& folder) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (!entry.path().filename().string().starts_with(kPulling)) continue;
    const auto bytes = entry.file_size(error);
    if (!fs::remove(entry.path(), error)) continue;
    Log(LogLevel::kInfo, "An interrupted pull of a hash set was removed", "file={} bytes={}", entry.path().string(),
        bytes);
  }
}

Counter CounterOf(Outcome outcome) {
  constexpr Counter kCountersOf[] = {Counter::pulls_taken, Counter::pulls_unchanged, Counter::pulls_failed,
                                     Counter::pulls_refused};
  return kCountersOf[static_cast<std::size_t>(outcome)];
}

}  // namespace

struct HashSetPuller::Shared : std::enable_shared_from_this<HashSetPuller::Shared> {
  Shared(asio::io_context& its_io, const config::Limits& its_limits, Counters& its_counters, fs::path directory,
         std::function<void()> pulled)
      : io(its_io),
        limits(its_limits),
        counters(its_counters),
        state_directory(std::move(directory)),
        on_pulled(std::move(pulled)) {}

  Result<std::shared_ptr<Source>> MakeSource(const config::HashSetConfig& hashset);
  asio::awaitable<void> Keep(std::shared_ptr<Source> source);
  // False when the source is stopped before its turn comes: each URL has one pull and one file at a time.
  asio::awaitable<bool> AwaitTurn(std::shared_ptr<Source> source);
  asio::awaitable<Pulled> Pull(std::shared_ptr<Source> source);
  void Note(Source& source, const Pulled& pulled);
  Duration WaitAfter(const Source& source);

  asio::io_context& io;
  const config::Limits& limits;
  Counters& counters;
  fs::path state_directory;
  std::function<void()> on_pulled;
  std::map<std::string, std::shared_ptr<Source>> sources;  // by URL
  std::set<std::string> pulling;                           // URLs
  std::mt19937 random{std::random_device{}()};
  asio::thread_pool verifier{1};
};

fs::path PulledFile(const fs::path& state_directory, const std::string& url) {
  return state_directory / "hashsets" / "pulled" / fmt::format("{:016x}.swset", XXH3_64bits(url.data(), url.size()));
}

Result<std::shared_ptr<Source>> HashSetPuller::Shared::MakeSource(const config::HashSetConfig& hashset) {
  auto source = std::make_shared<Source>(io.get_executor());
  source->url = hashset.url;
  source->file = PulledFile(state_directory, hashset.url);
  auto key = ReadKeyFile(hashset.signer, KeyKind::kPublic);
  if (!key) return Fail(key.error());
  source->signer.push_back(std::move(*key));
  alert::HttpTargetOptions options;
  options.url = hashset.url;
  options.ca_file = hashset.ca_file.string();
  options.allow_link_local = hashset.allow_link_local;
  options.step_timeout = seconds(limits.hashset_pull_step_timeout_s);
  options.https_only = true;
  auto target = alert::MakeHttpTarget(options);
  if (!target) return Fail(target.error().In(hashset.url));
  source->target = std::move(*target);
  return source;
}

asio::awaitable<Pulled> HashSetPuller::Shared::Pull(std::shared_ptr<Source> source) {
  std::string temporary = (source->file.parent_path() / (std::string(kPulling) + "XXXXXX")).string();
  const UniqueFd file(::mkostemp(temporary.data(), O_CLOEXEC));
  if (!file) co_return Pulled{Outcome::kFailed, FailErrno("cannot write to " + temporary).error().message};
  const auto answer = co_await Download(source, limits, file);
  const bool came = answer && answer->status == kOk;
  Pulled pulled{Outcome::kUnchanged, ""};
  if (!answer) {
    pulled = {Outcome::kFailed, answer.error().message};
  } else if (came) {
    const auto judge = [source, temporary]() -> asio::awaitable<Pulled> { co_return Judge(*source, temporary); };
    pulled = co_await asio::co_spawn(verifier, judge, asio::use_awaitable);
  }
  if (pulled.outcome == Outcome::kTaken) {
    const bool placed = ::fchmod(file.get(), 0400) == 0 && ::fsync(file.get()) == 0 &&
                        ::rename(temporary.c_str(), source->file.c_str()) == 0;
    if (!placed) pulled = {Outcome::kFailed, FailErrno("cannot write " + source->file.string()).error().message};
  }
  if (pulled.outcome != Outcome::kTaken) ::unlink(temporary.c_str());
  const bool named = came && !answer->etag.empty() && answer->etag.size() <= kEtagBytesMax;
  if (named && (pulled.outcome == Outcome::kTaken || pulled.outcome == Outcome::kUnchanged)) {
    // Without it the next pull transfers the same again, no more.
    (void)WriteFileAtomically(fs::path(source->file).replace_extension(".etag"), AsBytes(answer->etag), 0600);
  }
  co_return pulled;
}

void HashSetPuller::Shared::Note(Source& source, const Pulled& pulled) {
  counters.Add(CounterOf(pulled.outcome));
  const bool good = pulled.outcome == Outcome::kTaken || pulled.outcome == Outcome::kUnchanged;
  source.failures = good ? 0 : source.failures + 1;
  if (!good) {
    Log(LogLevel::kError, "A hash set could not be pulled; the one there is stays", "url={} reason=\"{}\"", source.url,
        pulled.reason);
    return;
  }
  if (pulled.outcome == Outcome::kTaken) Log(LogLevel::kInfo, "A new hash set was pulled", "url={}", source.url);
  source.last_success = Nanoseconds(WallClockNow()) / 1'000'000'000;
  std::int64_t oldest = source.last_success;
  for (const auto& [url, other] : sources) oldest = std::min(oldest, other->last_success);
  counters.Set(Counter::pull_last_success, static_cast<std::uint64_t>(oldest));
}

Duration HashSetPuller::Shared::WaitAfter(const Source& source) {
  seconds wait(limits.hashset_pull_interval_s);
  if (source.failures > 0) {
    const seconds backoff = kFirstBackoff * (std::int64_t{1} << std::min(source.failures - 1, 20u));
    wait = std::min(backoff, seconds(limits.hashset_pull_backoff_s));
  }
  std::uniform_real_distribution<double> jitter(0.9, 1.1);
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(wait) * jitter(random));
}

asio::awaitable<bool> HashSetPuller::Shared::AwaitTurn(std::shared_ptr<Source> source) {
  while (!source->stopped && (pulling.contains(source->url) || pulling.size() >= kPullsAtOnce)) {
    source->timer.expires_after(kTurnInterval);
    co_await source->timer.async_wait(kAsValue);
  }
  co_return !source->stopped;
}

asio::awaitable<void> HashSetPuller::Shared::Keep(std::shared_ptr<Source> source) {
  const auto self = shared_from_this();
  while (co_await AwaitTurn(source)) {
    pulling.insert(source->url);
    const Pulled pulled = co_await Pull(source);
    pulling.erase(source->url);
    // Also when it was stopped in between: whoever asks next finds nothing new any more.
    if (pulled.outcome == Outcome::kTaken) on_pulled();
    if (source->stopped) co_return;
    Note(*source, pulled);
    source->timer.expires_after(WaitAfter(*source));
    co_await source->timer.async_wait(kAsValue);
  }
}

HashSetPuller::HashSetPuller(asio::io_context& io, const config::Limits& limits, Counters& counters,
                             fs::path state_directory, std::function<void()> on_pulled)
    : shared_(std::make_shared<Shared>(io, limits, counters, std::move(state_directory), std::move(on_pulled))) {}

HashSetPuller::~HashSetPuller() {
  for (const auto& [url, source] : shared_->sources) {
    source->stopped = true;
    source->timer.cancel();
  }
}

Status HashSetPuller::Configure(const std::vector<config::HashSetConfig>& hashsets) {
  std::map<std::string, std::shared_ptr<Source>> wanted;
  for (const config::HashSetConfig& hashset : hashsets) {
    if (hashset.url.empty()) continue;
    auto source = shared_->MakeSource(hashset);
    if (!source) return Fail(source.error());
    wanted.emplace(hashset.url, std::move(*source));
  }
  const fs::path folder = PulledFile(shared_->state_directory, "").parent_path();
  if (shared_->pulling.empty()) RemoveLeftovers(folder);
  if (wanted.empty() && shared_->sources.empty()) return {};
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return Fail(ErrorCode::kIo, "cannot make the folder of pulled hash sets: {}", error.message());
  // One that was asked before is asked as configured now; when is left as it was.
  for (auto& [url, source] : shared_->sources) {
    source->stopped = true;
    source->timer.cancel();
    if (const auto again = wanted.find(url); again != wanted.end()) again->second->last_success = source->last_success;
  }
  shared_->sources = std::move(wanted);
  for (const auto& [url, source] : shared_->sources) {
    asio::co_spawn(shared_->io, shared_->Keep(source), asio::detached);
  }
  return {};
}

}  // namespace spanwatch::supervisor
