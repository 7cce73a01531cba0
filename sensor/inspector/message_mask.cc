#include "inspector/message_mask.h"

#include <algorithm>
#include <iterator>
#include <string_view>

namespace spanwatch::inspector {
namespace {

// Of media types and of protocols (ALPN). Anybody may make up others.
constexpr std::string_view kCommonWords[] = {"h2",
                                             "h3",
                                             "http/1.0",
                                             "http/1.1",
                                             "dot",
                                             "ftp",
                                             "imap",
                                             "pop3",
                                             "application/gzip",
                                             "application/javascript",
                                             "application/json",
                                             "application/octet-stream",
                                             "application/pdf",
                                             "application/sql",
                                             "application/x-7z-compressed",
                                             "application/x-tar",
                                             "application/x-www-form-urlencoded",
                                             "application/xml",
                                             "application/zip",
                                             "audio/mpeg",
                                             "image/bmp",
                                             "image/gif",
                                             "image/heif",
                                             "application/zstd",
                                             "application/vnd.rar",
                                             "application/x-xz",
                                             "application/x-bzip2",
                                             "application/vnd.sqlite3",
                                             "image/jpeg",
                                             "image/png",
                                             "image/tiff",
                                             "image/webp",
                                             "message/rfc822",
                                             "multipart/form-data",
                                             "multipart/mixed",
                                             "text/csv",
                                             "text/html",
                                             "text/plain",
                                             "text/xml",
                                             "video/mp4"};

class MessageMask {
 public:
  explicit MessageMask(const TextMask& mask) : mask_(mask) {}

  void operator()(Sighting& sighting) const {
    Mask(sighting.flow);
    Name(sighting.object_name);
    Mask(sighting.provenance);
    for (SightedItem& item : sighting.items) std::ranges::for_each(item.provenances, [&](auto& way) { Mask(way); });
    Word(sighting.media_type);
  }
  void operator()(TransferSummary& transfer) const { Mask(transfer.flow); }
  void operator()(AnomalyReport& report) const {
    if (report.flow) Mask(*report.flow);
  }
  void operator()(Watermark&) const {}

 private:
  void Name(std::string& text) const {
    if (!text.empty()) text = mask_(text);
  }
  void Word(std::string& text) const {
    if (std::ranges::find(kCommonWords, text) == std::end(kCommonWords)) Name(text);
  }
  // The protocol, the version of TLS and the JA4 fingerprint are worded by the sensor.
  void Mask(FlowSummary& flow) const {
    Name(flow.facts.exchange.server_name);
    Name(flow.facts.exchange.user_agent);
    Word(flow.facts.tls_alpn);
    Banner(flow.facts.ssh_client_banner);
    Banner(flow.facts.ssh_server_banner);
  }
  // The version of the protocol stands first (RFC 4253 section 4.2); what is behind it the sender worded.
  void Banner(std::string& banner) const {
    std::string_view version;
    for (const std::string_view known : {"SSH-2.0-", "SSH-1.99-", "SSH-1.5-"}) {
      if (banner.starts_with(known)) version = known;
    }
    std::string worded = banner.substr(version.size());
    Name(worded);
    banner = version;
    banner += worded;
  }
  // The first word of a step is the layer's own, no part of a name: "http 200" is no plate.
  void Mask(Provenance& provenance) const {
    for (std::string& step : provenance) {
      const std::size_t own = std::min(step.find(' '), step.size() - 1) + 1;
      if (own < step.size()) step = step.substr(0, own) + mask_(step.substr(own));
    }
  }

  const TextMask& mask_;
};

}  // namespace

void MaskMessage(InspectorMessage& message, const TextMask& mask) { std::visit(MessageMask(mask), message); }

}  // namespace spanwatch::inspector
