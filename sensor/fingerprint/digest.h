// Digest: a streaming digest of OpenSSL (with the processor's SHA instructions). One thread each.
#pragma once

#include <openssl/evp.h>

#include <memory>

#include "base/bytes.h"
#include "model/fingerprint.h"

namespace spanwatch::fingerprint {

class Digest {
 public:
  explicit Digest(const EVP_MD* type) : context_(EVP_MD_CTX_new()) { EVP_DigestInit_ex(context_.get(), type, nullptr); }
  void Update(ByteView bytes) { EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()); }
  // Once. REQUIRES: an array of the digest's length
  template <typename Array>
  Array Finish() {
    Array digest{};
    EVP_DigestFinal_ex(context_.get(), digest.data(), nullptr);
    return digest;
  }

 private:
  struct Free {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  std::unique_ptr<EVP_MD_CTX, Free> context_;
};

}  // namespace spanwatch::fingerprint
