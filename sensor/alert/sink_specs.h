// Declares the constant that each line of sinks.def names; its file <name>_sink.cc defines it.
#pragma once

#include "alert/alert_sink.h"

namespace spanwatch::alert {

#define SINK(name) extern const SinkSpec k_##name##_sink;
#include "alert/sinks.def"
#undef SINK

}  // namespace spanwatch::alert
