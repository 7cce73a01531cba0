// The shipped rules (rules/*.yml), compiled into the program. Made by cmake/EmbedRules.cmake.
#pragma once

#include <span>
#include <string_view>
#include <utility>

namespace spanwatch::policy {

std::span<const std::pair<std::string_view, std::string_view>> EmbeddedRules();  // file name, text

}  // namespace spanwatch::policy
