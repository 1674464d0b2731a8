#include "engine/io/decompress.h"

#include <lzma.h>

#define ZLIB_CONST  // zlib takes its input as const only then.
#include <zlib.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "engine/base/file.h"
#include "engine/base/status.h"

namespace beak {
namespace {

constexpr std::string_view kGzipMagic = "\x1f\x8b";
constexpr std::string_view kXzMagic(
    "\xfd"
    "7zXZ\0",
    6);
constexpr uint64_t kXzMemory = uint64_t{128} << 20;  // xz -9 needs 65 MiB
constexpr size_t kPiece = size_t{1} << 30;           // zlib counts in 32 bits

// What has come out so far, with room for more at its end.
class Output {
 public:
  explicit Output(int64_t max_bytes) : max_bytes_(static_cast<size_t>(max_bytes)) {}

  unsigned char* end() { return reinterpret_cast<unsigned char*>(bytes_.data()) + used_; }
  size_t room() const { return bytes_.size() - used_; }
  void Advance(size_t written) { used_ += written; }

  // Makes room; one byte more than allowed is, so that a file of just that size ends.
  absl::Status Grow() {
    if (used_ > max_bytes_) {
      return absl::ResourceExhaustedError(absl::StrCat("expected at most ", max_bytes_, " bytes once decompressed"));
    }
    constexpr size_t kFirst = size_t{64} << 10;
    bytes_.resize(std::min(std::max(kFirst, 2 * used_), max_bytes_ + 1));
    return absl::OkStatus();
  }

  absl::StatusOr<std::string> Take() {
    if (used_ > max_bytes_) return Grow();
    bytes_.resize(used_);
    bytes_.shrink_to_fit();
    return std::move(bytes_);
  }

 private:
  size_t max_bytes_;
  size_t used_ = 0;
  std::string bytes_;
};

class GzipStream {
 public:
  // 16: a gzip header and no other. False when there is no memory.
  bool Init() { return inflateInit2(&z_, 16 + MAX_WBITS) == Z_OK; }
  ~GzipStream() { inflateEnd(&z_); }
  GzipStream() = default;
  GzipStream(const GzipStream&) = delete;
  GzipStream& operator=(const GzipStream&) = delete;

  // Decompresses what it can of `in`, which it shortens, into `out`.
  int Step(std::string_view& in, Output& out) {
    const size_t given = std::min(in.size(), kPiece);
    const size_t room = std::min(out.room(), kPiece);
    z_.next_in = reinterpret_cast<const unsigned char*>(in.data());
    z_.avail_in = static_cast<uInt>(given);
    z_.next_out = out.end();
    z_.avail_out = static_cast<uInt>(room);
    const int result = inflate(&z_, Z_NO_FLUSH);
    in.remove_prefix(given - z_.avail_in);
    out.Advance(room - z_.avail_out);
    return result;
  }
  bool Restart() { return inflateReset(&z_) == Z_OK; }
  const char* message() const { return z_.msg != nullptr ? z_.msg : "corrupt"; }

 private:
  z_stream z_ = {};
};

absl::Status Bad(const char* format, const std::string& what) {
  return absl::InvalidArgumentError(absl::StrCat(format, ": ", what));
}

// A file is one or more members, as `cat a.gz b.gz` makes them.
absl::StatusOr<std::string> Gunzip(std::string_view in, int64_t max_bytes) {
  GzipStream stream;
  if (!stream.Init()) return absl::ResourceExhaustedError("gzip: out of memory");
  Output out(max_bytes);
  while (true) {
    if (out.room() == 0) RETURN_IF_ERROR(Annotate(out.Grow(), "gzip"));
    const int result = stream.Step(in, out);
    if (result == Z_STREAM_END) {
      if (in.empty()) return out.Take();
      if (in.substr(0, kGzipMagic.size()) != kGzipMagic || !stream.Restart()) {
        return Bad("gzip", absl::StrCat("expected the end of the file, got ", in.size(), " more bytes"));
      }
    } else if (result != Z_OK) {
      return Bad("gzip", result == Z_BUF_ERROR ? "cut short" : stream.message());
    }
  }
}

std::string XzMessage(lzma_ret result) {
  switch (result) {
    case LZMA_BUF_ERROR:
      return "cut short";
    case LZMA_MEMLIMIT_ERROR:
      return absl::StrCat("expected to need at most ", kXzMemory, " bytes of memory");
    case LZMA_OPTIONS_ERROR:
      return "compressed with options that are not supported";
    default:
      return "corrupt";
  }
}

absl::StatusOr<std::string> Unxz(std::string_view in, int64_t max_bytes) {
  lzma_stream stream = LZMA_STREAM_INIT;
  if (lzma_stream_decoder(&stream, kXzMemory, LZMA_CONCATENATED) != LZMA_OK) {
    return absl::ResourceExhaustedError("xz: out of memory");
  }
  Output out(max_bytes);
  stream.next_in = reinterpret_cast<const uint8_t*>(in.data());
  stream.avail_in = in.size();
  lzma_ret result = LZMA_OK;
  absl::Status status;
  while (result == LZMA_OK && status.ok()) {
    if (out.room() == 0) status = Annotate(out.Grow(), "xz");
    stream.next_out = out.end();
    const size_t room = stream.avail_out = out.room();
    if (status.ok()) result = lzma_code(&stream, LZMA_FINISH);
    out.Advance(room - stream.avail_out);
  }
  lzma_end(&stream);
  RETURN_IF_ERROR(status);
  if (result != LZMA_STREAM_END) return Bad("xz", XzMessage(result));
  return out.Take();
}

}  // namespace

absl::StatusOr<std::string> Decompress(std::string bytes, int64_t max_bytes) {
  const std::string_view view = bytes;
  if (view.substr(0, kGzipMagic.size()) == kGzipMagic) return Gunzip(view, max_bytes);
  if (view.substr(0, kXzMagic.size()) == kXzMagic) return Unxz(view, max_bytes);
  return bytes;
}

absl::StatusOr<std::string> ReadDataFile(const std::string& path, int64_t max_bytes) {
  ASSIGN_OR_RETURN(std::string bytes, ReadFile(path, max_bytes));
  absl::StatusOr<std::string> contents = Decompress(std::move(bytes), max_bytes);
  if (!contents.ok()) return Annotate(contents.status(), absl::StrCat("'", path, "'"));
  return contents;
}

}  // namespace beak
