// How the `register` commands name items on the command line and show them. Used by the actions.
#pragma once

#include "cli/register_command.h"
#include "register/register_database.h"

namespace spanwatch::cli {

// --collection with --item or --source.
Result<enrolment::Selection> SelectionOf(const RegisterArguments& arguments);
// Fails when the register has no collection of this name: what is empty for a wrong name looks like an answer. An empty
// name stands for all collections.
Status MustExist(enrolment::RegisterDatabase& database, const std::string& collection);

}  // namespace spanwatch::cli
