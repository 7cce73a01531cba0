#include "cli/build_output.h"

#include <filesystem>

#include "base/output_file.h"
#include "base/printable.h"
#include "hashset/hashset_format.h"
#include "hashset/mapped_hashset.h"

namespace spanwatch::cli {

Status MayBuild(const RegisterArguments& arguments, const std::string& owner) {
  std::vector<std::filesystem::path> inputs{arguments.database, arguments.signing_key};
  inputs.insert(inputs.end(), arguments.delta_from.begin(), arguments.delta_from.end());
  if (Status status = MayWrite(arguments.out, {"hash set", hashset::kMagic}, inputs); !status) return status;
  std::error_code error;
  if (!std::filesystem::exists(arguments.out, error) || std::filesystem::file_size(arguments.out, error) == 0)
    return {};
  const auto there = hashset::MappedHashSet::OpenUnverified(arguments.out);
  if (!there) return Fail(there.error().In("what is there already is not replaced"));
  const std::string own = arguments.earlier_key ? owner + " (earlier record key)" : owner;
  const std::string& name = arguments.name.empty() ? own : arguments.name;
  const hashset::Manifest& manifest = (*there)->manifest();
  if (manifest.name != name) {
    return Fail(ErrorCode::kExists, "{} is the hash set '{}', so the set '{}' does not replace it; choose another name",
                arguments.out, Printable(manifest.name), Printable(name));
  }
  if (manifest.is_delta() == !arguments.delta_from.empty()) return {};
  return Fail(ErrorCode::kExists, "{} is a {}, which a {} does not replace; choose another name", arguments.out,
              manifest.is_delta() ? "delta" : "whole set", manifest.is_delta() ? "whole set" : "delta");
}

}  // namespace spanwatch::cli
