// What a test must know of the sanitizer it runs under.
#pragma once

namespace spanwatch::support {

#if defined(__SANITIZE_THREAD__)
inline constexpr bool kThreadSanitizer = true;
#else
inline constexpr bool kThreadSanitizer = false;
#endif

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitizesMemory = true;
#else
inline constexpr bool kSanitizesMemory = false;
#endif

}  // namespace spanwatch::support
