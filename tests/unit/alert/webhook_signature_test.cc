#include "alert/webhook_signature.h"

#include <gtest/gtest.h>

#include "support/webhook_receiver.h"

namespace spanwatch::alert {
namespace {

constexpr const char* kSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
constexpr const char* kOther = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

std::vector<WebhookSecret> Secrets(std::initializer_list<const char*> texts) {
  std::vector<WebhookSecret> secrets;
  for (const char* text : texts) secrets.push_back(std::move(*WebhookSecret::Parse(text)));
  return secrets;
}

TEST(WebhookSignature, GivesTheSpecificationsTestVector) {
  EXPECT_EQ(SignatureHeader(Secrets({kSecret}), "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, R"({"test": 2432232314})"),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

TEST(WebhookSignature, SignsWithEverySecretWhileRotating) {
  support::ReceivedWebhook webhook{"msg_1", "1614265330", "", "{}", "/"};
  webhook.signature = SignatureHeader(Secrets({kSecret, kOther}), webhook.id, 1614265330, webhook.body);
  EXPECT_TRUE(support::VerifyStandardWebhook(kSecret, webhook));
  EXPECT_TRUE(support::VerifyStandardWebhook(kOther, webhook));
  webhook.body = "{ }";
  EXPECT_FALSE(support::VerifyStandardWebhook(kSecret, webhook));
}

TEST(WebhookSecret, AcceptsALineEndAndRefusesWhatIsNone) {
  EXPECT_TRUE(WebhookSecret::Parse(std::string(kSecret) + "\n").has_value());
  for (const char* bad : {"", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_c2hvcnQ=",
                          "whsec_MfKQ9r8G KYqrTwjUPD8ILPZIo2LaLaS", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS"}) {
    const auto secret = WebhookSecret::Parse(bad);
    ASSERT_FALSE(secret.has_value()) << bad;
    EXPECT_EQ(secret.error().message.find("MfKQ"), std::string::npos) << "an error never repeats a secret";
  }
  EXPECT_EQ(WebhookSecret::Parse("whsec_" + std::string(86, 'A') + "==")->key().size(), 64u);
  EXPECT_FALSE(WebhookSecret::Parse("whsec_" + std::string(88, 'A')).has_value()) << "66 bytes";
}

}  // namespace
}  // namespace spanwatch::alert
