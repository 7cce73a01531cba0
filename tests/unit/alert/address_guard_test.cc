#include "alert/address_guard.h"

#include <gtest/gtest.h>

namespace spanwatch::alert {
namespace {

TEST(AddressGuard, DeniesLinkLocalMetadataAndNowhere) {
  for (const char* text :
       {"169.254.169.254", "169.254.0.1", "fe80::1", "fd00:ec2::254", "100.100.100.200", "168.63.129.16", "0.0.0.0",
        "::", "224.0.0.1", "ff02::1", "255.255.255.255", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe"}) {
    EXPECT_TRUE(IsDeniedDestination(*ParseIpAddress(text))) << text;
  }
}

TEST(AddressGuard, AllowsLoopbackPrivateAndPublic) {
  for (const char* text :
       {"127.0.0.1", "::1", "10.0.0.1", "192.168.1.1", "198.51.100.7", "2001:db8::1", "fd00::1", "::ffff:10.0.0.1"}) {
    EXPECT_FALSE(IsDeniedDestination(*ParseIpAddress(text))) << text;
  }
}

}  // namespace
}  // namespace spanwatch::alert
