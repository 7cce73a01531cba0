#include "support/webhook_receiver.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

namespace spanwatch::support {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;

template <auto kFree>
struct Freer {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freer<X509_free>>;

std::string ToPem(const auto& write) {
  const std::unique_ptr<BIO, Freer<BIO_free_all>> memory(BIO_new(BIO_s_mem()));
  write(memory.get());
  char* data = nullptr;
  const long length = BIO_get_mem_data(memory.get(), &data);
  return {data, static_cast<std::size_t>(length)};
}

void AddExtension(X509* certificate, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const std::unique_ptr<X509_EXTENSION, Freer<X509_EXTENSION_free>> extension(
      X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()));
  X509_add_ext(certificate, extension.get(), -1);
}

Certificate MakeCertificate(EVP_PKEY* key, const std::string& name, long serial, X509* issuer) {
  Certificate certificate(X509_new());
  X509_set_version(certificate.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
  X509_set_pubkey(certificate.get(), key);
  X509_NAME* subject = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1,
                             0);
  X509_set_issuer_name(certificate.get(), issuer == nullptr ? subject : X509_get_subject_name(issuer));
  return certificate;
}

std::string Hmac(const std::string& key, const std::string& text) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned length = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(text.data()),
       text.size(), digest, &length);
  std::string encoded(4 * ((length + 2) / 3) + 1, '\0');
  encoded.resize(static_cast<std::size_t>(
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(encoded.data()), digest, static_cast<int>(length))));
  return encoded;
}

}  // namespace

TestAuthority MakeTestAuthority(const std::string& host) {
  const Key ca_key(EVP_EC_gen("P-256"));
  const Certificate ca = MakeCertificate(ca_key.get(), "Spanwatch test authority", 1, nullptr);
  AddExtension(ca.get(), ca.get(), NID_basic_constraints, "critical,CA:TRUE");
  X509_sign(ca.get(), ca_key.get(), EVP_sha256());
  const Key key(EVP_EC_gen("P-256"));
  const Certificate certificate = MakeCertificate(key.get(), "receiver", 2, ca.get());
  const bool address = host.find_first_not_of("0123456789.") == std::string::npos;
  AddExtension(certificate.get(), ca.get(), NID_subject_alt_name, (address ? "IP:" : "DNS:") + host);
  X509_sign(certificate.get(), ca_key.get(), EVP_sha256());
  return {ToPem([&](BIO* out) { PEM_write_bio_X509(out, ca.get()); }),
          ToPem([&](BIO* out) { PEM_write_bio_X509(out, certificate.get()); }),
          ToPem([&](BIO* out) { PEM_write_bio_PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr); })};
}

bool VerifyStandardWebhook(const std::string& secret, const ReceivedWebhook& webhook) {
  const std::string encoded = secret.substr(std::string("whsec_").size());
  std::string key(encoded.size() / 4 * 3, '\0');
  if (EVP_DecodeBlock(reinterpret_cast<unsigned char*>(key.data()),
                      reinterpret_cast<const unsigned char*>(encoded.data()), static_cast<int>(encoded.size())) < 0) {
    return false;
  }
  key.resize(key.size() - static_cast<std::size_t>(std::ranges::count(encoded, '=')));
  const std::string expected = "v1," + Hmac(key, webhook.id + "." + webhook.timestamp + "." + webhook.body);
  const std::string list = " " + webhook.signature + " ";
  return list.find(" " + expected + " ") != std::string::npos;
}

struct WebhookReceiver::Implementation {
  Implementation(std::vector<std::string> its_secrets, const TestAuthority* authority, std::uint16_t port)
      : secrets(std::move(its_secrets)),
        tls(authority != nullptr),
        acceptor(io, {asio::ip::make_address("127.0.0.1"), port}) {
    if (tls) {
      context.use_certificate_chain(asio::buffer(authority->certificate_pem));
      context.use_private_key(asio::buffer(authority->key_pem), asio::ssl::context::pem);
    }
    acceptor.non_blocking(true);
    accepting = std::thread([this] { Accept(); });
  }

  ~Implementation() {
    stopping = true;
    accepting.join();
    for (std::thread& thread : serving) thread.join();
  }

  void Accept() {
    while (!stopping) {
      tcp::socket socket(io);
      boost::system::error_code error;
      acceptor.accept(socket, error);
      if (error) {
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
        continue;
      }
      socket.non_blocking(false);
      serving.emplace_back([this, taken = std::move(socket)]() mutable { Serve(std::move(taken)); });
    }
  }

  void Serve(tcp::socket socket) {
    // A client that says nothing must not hold the test up.
    const timeval limit{5, 0};
    ::setsockopt(socket.native_handle(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    boost::system::error_code error;
    if (!tls) {
      Exchange(socket, error);
      return;
    }
    asio::ssl::stream<tcp::socket> stream(std::move(socket), context);
    stream.handshake(asio::ssl::stream_base::server, error);
    if (!error) Exchange(stream, error);
  }

  template <typename Stream>
  void Exchange(Stream& stream, boost::system::error_code& error) {
    boost::beast::flat_buffer buffer;
    http::request<http::string_body> request;
    http::read(stream, buffer, request, error);
    if (error) return;
    const ReceiverAnswer answer = Take(request);
    while (answer.hang && !stopping) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    if (answer.hang || answer.close) return;
    http::response<http::empty_body> response(static_cast<http::status>(answer.status), 11);
    if (!answer.retry_after.empty()) response.set(http::field::retry_after, answer.retry_after);
    if (!answer.location.empty()) response.set(http::field::location, answer.location);
    response.keep_alive(false);
    response.prepare_payload();
    http::write(stream, response, error);
  }

  ReceiverAnswer Take(const http::request<http::string_body>& request) {
    const auto header = [&](const char* name) { return std::string(request[name]); };
    ReceivedWebhook webhook{header("webhook-id"), header("webhook-timestamp"), header("webhook-signature"),
                            request.body(), std::string(request.target())};
    for (const std::string& secret : secrets) webhook.signature_valid |= VerifyStandardWebhook(secret, webhook);
    const std::lock_guard lock(mutex);
    ReceiverAnswer answer;
    if (!answers.empty()) {
      answer = answers.front();
      answers.pop_front();
    }
    webhook.status = answer.hang || answer.close ? 0 : answer.status;
    received.push_back(std::move(webhook));
    changed.notify_all();
    return answer;
  }

  const std::vector<std::string> secrets;
  const bool tls;
  asio::io_context io;
  asio::ssl::context context{asio::ssl::context::tls_server};
  tcp::acceptor acceptor;
  std::atomic<bool> stopping = false;
  std::thread accepting;
  std::vector<std::thread> serving;  // the accepting thread's own until it was joined
  mutable std::mutex mutex;          // guards what follows
  mutable std::condition_variable changed;
  std::deque<ReceiverAnswer> answers;
  std::vector<ReceivedWebhook> received;
};

WebhookReceiver::WebhookReceiver(std::vector<std::string> secrets, const TestAuthority* authority, std::uint16_t port)
    : implementation_(std::make_unique<Implementation>(std::move(secrets), authority, port)) {}

WebhookReceiver::~WebhookReceiver() = default;

std::uint16_t WebhookReceiver::port() const { return implementation_->acceptor.local_endpoint().port(); }

std::string WebhookReceiver::Url(const std::string& host) const {
  return (implementation_->tls ? "https://" : "http://") + host + ":" + std::to_string(port()) + "/hook";
}

void WebhookReceiver::Answer(std::vector<ReceiverAnswer> answers) {
  const std::lock_guard lock(implementation_->mutex);
  implementation_->answers.assign(answers.begin(), answers.end());
}

std::vector<ReceivedWebhook> WebhookReceiver::received() const {
  const std::lock_guard lock(implementation_->mutex);
  return implementation_->received;
}

bool WebhookReceiver::WaitFor(std::size_t count, std::chrono::milliseconds timeout) const {
  std::unique_lock lock(implementation_->mutex);
  return implementation_->changed.wait_for(lock, timeout, [&] { return implementation_->received.size() >= count; });
}

}  // namespace spanwatch::support
