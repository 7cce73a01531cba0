// DocumentPlace: a node of a rule or authorisation file and where it stands, for messages. Lives on the stack of a
// parser; the file's name outlives it.
#pragma once

#include <string>

#include <yaml-cpp/yaml.h>

#include "base/result.h"

namespace spanwatch::policy {

struct DocumentPlace {
  const std::string& file;
  YAML::Node node;

  std::unexpected<Error> Refuse(const std::string& reason) const {
    return Fail(ErrorCode::kInvalid, "{}:{}: {}", file, node.Mark().line + 1, reason);
  }
};

}  // namespace spanwatch::policy
