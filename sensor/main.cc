#include "cli/command_line.h"

int main(int argc, char** argv) { return spanwatch::cli::RunCommandLine(argc, argv); }
