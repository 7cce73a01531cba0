// Whether `register build` may write to --out: where a file is already, it is replaced only when it is a hash set of
// the same name, whole for whole and delta for delta, and none of what the build reads.
#pragma once

#include "cli/register_command.h"

namespace spanwatch::cli {

// `owner` of the register: the set's name where none is given.
Status MayBuild(const RegisterArguments& arguments, const std::string& owner);

}  // namespace spanwatch::cli
