// A sink that posts each alert to an HTTP or HTTPS receiver, signed as Standard Webhooks 1.0 says (ecosystem.md section
// 5).
//
// HTTPS is verified: system authorities or `ca_file`, host name, TLS 1.2 or later. No redirect is followed. Each step
// has a time limit. Supervisor thread only; names are resolved on a thread of the sink's own, so that a slow name
// server delays no other sink.
#pragma once

#include "alert/alert_sink.h"

namespace spanwatch::alert {

// What a webhook does with an HTTP status; Retry-After is understood as seconds or as a date.
Delivery JudgeResponse(int status, std::string_view retry_after, PacketTime now);

}  // namespace spanwatch::alert
