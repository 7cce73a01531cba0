// Result<T>: what an operation returns that may fail for a reason outside the program (file, socket, rule, option).
//
// Error carries a code for the program and one clear line for the person: what, where, what to do. Nothing here throws.
// Bytes from the wire never make an Error: they make anomalies and counters.
#pragma once

#include <expected>
#include <string>
#include <utility>

#include <fmt/format.h>

namespace spanwatch {

enum class ErrorCode {
  kUsage,
  kInvalid,
  kCorrupt,
  kUntrusted,
  kNotFound,
  kExists,
  kPermission,
  kLimit,
  kIo,
  kUnavailable
};

struct Error {
  ErrorCode code = ErrorCode::kIo;
  std::string message;

  // The same error with `context: ` before its message.
  Error In(std::string_view context) const { return {code, fmt::format("{}: {}", context, message)}; }
};

template <typename T>
using Result = std::expected<T, Error>;
using Status = std::expected<void, Error>;

template <typename... Args>
[[nodiscard]] std::unexpected<Error> Fail(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
  return std::unexpected(Error{code, fmt::format(format, std::forward<Args>(args)...)});
}
[[nodiscard]] inline std::unexpected<Error> Fail(Error error) { return std::unexpected(std::move(error)); }
// A failure that names the system's reason: `what: No such file or directory`.
[[nodiscard]] std::unexpected<Error> FailErrno(std::string_view what);

}  // namespace spanwatch
