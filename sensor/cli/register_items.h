// How the `register` commands name items on the command line and show them. Used by the actions.
#pragma once

#include "cli/register_command.h"
#include "register/register_database.h"

namespace spanwatch::cli {

// --collection with --item or --source.
Result<enrolment::Selection> SelectionOf(const RegisterArguments& arguments);

}  // namespace spanwatch::cli
