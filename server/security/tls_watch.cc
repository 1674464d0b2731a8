#include "server/security/tls_watch.h"

#include "engine/base/log.h"
#include "engine/base/status.h"

namespace beak {

absl::StatusOr<std::unique_ptr<TlsWatch>> WatchTlsFiles(const TlsFiles& files, const Clock& clock) {
  if (!files.enabled()) {
    RETURN_IF_ERROR(ReadTlsFiles(files).status());  // a key without its certificate, say
    return nullptr;
  }
  return TlsWatch::Create({"certificate", [files] { return ReadTlsFiles(files); },
                           [files](const TlsContents&) {
                             LogInfo("certificate read", {{"file", files.certificate}});
                             WarnOfTlsFiles(files);
                           }},
                          clock);
}

}  // namespace beak
