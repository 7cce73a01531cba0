#include "unit/protocol/protocol_run.h"

namespace spanwatch::protocol {
namespace {

TEST(SshParser, BannersOfBothSidesAreKept) {
  const auto run = RunScript("< SSH-2.0-OpenSSH_9.2\\r\\nrest\n\n> SSH-2.0-tool\\r\\n\n");
  EXPECT_EQ(run->facts.protocol, "ssh");
  EXPECT_EQ(run->facts.visibility, Visibility::kEncrypted);
  EXPECT_EQ(run->facts.ssh_server_banner, "SSH-2.0-OpenSSH_9.2");
  EXPECT_EQ(run->facts.ssh_client_banner, "SSH-2.0-tool");
  EXPECT_EQ(run->size(), 0u);
}

}  // namespace
}  // namespace spanwatch::protocol
