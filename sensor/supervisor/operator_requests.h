// Requests of the operator's command line to a sensor that runs, or will: files of one line in the folder `requests` of
// its state directory. Whoever may write there is the operator. The supervisor takes them every second; the command
// line leaves them.
//
//   request = "release " item_id  |  "resend " (message_id | alert_id | "*") " " (endpoint | "*")
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/fingerprint.h"

namespace spanwatch::supervisor {

// Makes the folder (mode 0700); its owner is whoever runs the sensor.
Status PrepareRequests(const std::filesystem::path& state_directory);
// REQUIRES: a sensor has made the folder; else an error says so.
Status LeaveRelease(const std::filesystem::path& state_directory, const ItemId& item);

// Alert messages that were given up or wait: of one message or alert (empty: all) and one endpoint (empty: all).
struct ResendRequest {
  std::string id;
  std::string endpoint;
};
Status LeaveResend(const std::filesystem::path& state_directory, const ResendRequest& request);

// What is asked for, and how many files were no request; each file is gone afterwards. At most some at a time.
struct TakenRequests {
  std::vector<ItemId> releases;
  std::vector<ResendRequest> resends;
  std::size_t refused = 0;
};
TakenRequests TakeRequests(const std::filesystem::path& state_directory);

}  // namespace spanwatch::supervisor
