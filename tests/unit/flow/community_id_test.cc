#include "flow/community_id.h"

#include <gtest/gtest.h>

namespace spanwatch::flow {
namespace {

struct Vector {
  const char* source;
  const char* destination;
  std::uint16_t source_port, destination_port;
  std::uint8_t protocol;
  const char* expected;
};

Endpoint At(const char* address, std::uint16_t port) { return {*ParseIpAddress(address), port}; }

// From the baseline of github.com/corelight/community-id-spec; its ICMP ports are type and code.
constexpr Vector kVectors[] = {
    {"128.232.110.120", "66.35.250.204", 34855, 80, 6, "1:LQU9qZlK+B5F3KDmev6m5PMibrg="},
    {"66.35.250.204", "128.232.110.120", 80, 34855, 6, "1:LQU9qZlK+B5F3KDmev6m5PMibrg="},
    {"192.168.1.52", "8.8.8.8", 54585, 53, 17, "1:d/FP5EW3wiY1vCndhwleRRKHowQ="},
    {"8.8.8.8", "192.168.1.52", 53, 54585, 17, "1:d/FP5EW3wiY1vCndhwleRRKHowQ="},
    {"192.168.0.89", "192.168.0.1", 8, 0, 1, "1:X0snYXpgwiv9TZtqg64sgzUn6Dk="},
    {"192.168.0.1", "192.168.0.89", 0, 0, 1, "1:X0snYXpgwiv9TZtqg64sgzUn6Dk="},
    {"192.168.0.89", "192.168.0.1", 20, 0, 1, "1:3o2RFccXzUgjl7zDpqmY7yJi8rI="},
    {"192.168.0.89", "192.168.0.1", 20, 1, 1, "1:tz/fHIDUHs19NkixVVoOZywde+I="},
    {"fe80::200:86ff:fe05:80da", "fe80::260:97ff:fe07:69ea", 135, 0, 58, "1:dGHyGvjMfljg6Bppwm3bg0LO8TY="},
    {"fe80::260:97ff:fe07:69ea", "fe80::200:86ff:fe05:80da", 136, 0, 58, "1:dGHyGvjMfljg6Bppwm3bg0LO8TY="},
    {"3ffe:507:0:1:260:97ff:fe07:69ea", "3ffe:507:0:1:200:86ff:fe05:80da", 3, 0, 58, "1:NdobDX8PQNJbAyfkWxhtL2Pqp5w="},
    {"3ffe:507:0:1:200:86ff:fe05:80da", "3ffe:507:0:1:260:97ff:fe07:69ea", 3, 0, 58, "1:/OGBt9BN1ofenrmSPWYicpij2Vc="},
    {"192.168.170.8", "192.168.170.56", 7, 80, 132, "1:jQgCxbku+pNGw8WPbEc/TS/uTpQ="},
};

TEST(CommunityId, AgreesWithThePublishedVectors) {
  for (const Vector& vector : kVectors) {
    EXPECT_EQ(CommunityId(At(vector.source, vector.source_port), At(vector.destination, vector.destination_port),
                          vector.protocol),
              vector.expected)
        << vector.source << " protocol " << int{vector.protocol};
  }
}

TEST(CommunityId, EchoFlowIsHashedAsTheRequestOfItsClient) {
  FlowInfo info;
  info.client = At("192.168.0.89", 4711);
  info.server = At("192.168.0.1", 4711);
  info.transport = Transport::kIcmp;
  info.ip_protocol = 1;
  EXPECT_EQ(CommunityId(info), "1:X0snYXpgwiv9TZtqg64sgzUn6Dk=");
}

TEST(CommunityId, PortUnreachableIsNoEcho) {
  FlowInfo info;
  info.client = At("192.168.0.1", 3);
  info.server = At("192.168.0.89", 3);
  info.transport = Transport::kIcmp;
  info.ip_protocol = 1;
  EXPECT_EQ(CommunityId(info), CommunityId(info.client, info.server, 1));
}

TEST(CommunityId, ProtocolsWithoutPortsHashAddressesOnly) {
  EXPECT_EQ(CommunityId(At("10.0.0.1", 1), At("10.0.0.2", 2), 50),
            CommunityId(At("10.0.0.2", 0), At("10.0.0.1", 0), 50));
}

TEST(CommunityId, FlowWithoutAddressesHasNone) { EXPECT_EQ(CommunityId(FlowInfo{}), ""); }

}  // namespace
}  // namespace spanwatch::flow
