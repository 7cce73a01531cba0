#include "register/enrolment.h"

#include <sys/stat.h>

namespace spanwatch::enrolment {
namespace {

// As the register keeps it.
std::string PathOfSource(const std::string& path) {
  std::error_code error;
  const auto absolute = std::filesystem::absolute(path, error).lexically_normal();
  return error ? path : absolute.string();
}

}  // namespace

Result<Source> SourceOf(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return FailErrno("cannot read " + path);
  return Source{.path = PathOfSource(path),
                .size = static_cast<std::uint64_t>(status.st_size),
                .modified = std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec};
}

Status TellWhenExpired(RegisterDatabase& database, const std::string& collection, EnrolmentObserver& observer,
                       EnrolmentSummary& summary) {
  const auto expires = database.CollectionExpires(collection);
  if (!expires) return Fail(expires.error());
  if (*expires > WallClockNow()) return {};
  ++summary.problems;
  observer.OnProblem(fmt::format(
      "collection '{0}' has expired, so no set holds what is added to it; spanwatch register expire --collection {0} "
      "--at never lets it count again",
      collection));
  return {};
}

Status TellExpiredItems(RegisterDatabase& database, std::int64_t collection, const std::string& path, PacketTime now,
                        EnrolmentObserver& observer, EnrolmentSummary& summary) {
  const auto expired = database.ExpiredItems(collection, PathOfSource(path), now);
  if (!expired) return Fail(expired.error());
  if (*expired == 0) return {};
  ++summary.problems;
  observer.OnProblem(fmt::format(
      "{}: {} of its items have expired, so no set holds them though they were added again; spanwatch register expire "
      "--source {} --at never lets them count again",
      path, *expired, path));
  return {};
}

}  // namespace spanwatch::enrolment
