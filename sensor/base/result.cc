#include "base/result.h"

#include <cerrno>
#include <system_error>

namespace spanwatch {

std::unexpected<Error> FailErrno(std::string_view what) {
  const int number = errno;
  ErrorCode code = ErrorCode::kIo;
  if (number == ENOENT) code = ErrorCode::kNotFound;
  if (number == EACCES || number == EPERM) code = ErrorCode::kPermission;
  if (number == EEXIST) code = ErrorCode::kExists;
  return Fail(code, "{}: {}", what, std::generic_category().message(number));
}

}  // namespace spanwatch
