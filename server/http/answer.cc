#include "server/http/answer.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "server/http/content_coding.h"
#include "server/http/status.h"

namespace beak {
namespace {

// A smaller answer is not worth the time.
constexpr size_t kMinEncodedBytes = 1024;

}  // namespace

std::string_view PathOf(const HttpRequest& request) {
  return std::string_view(request.target).substr(0, request.target.find('?'));
}

void Answer(const std::shared_ptr<HttpExchange>& exchange, HttpResponse response) {
  const ContentCoding coding = ChooseContentCoding(exchange->request().Header("accept-encoding"));
  if (coding != ContentCoding::kIdentity && response.body.size() >= kMinEncodedBytes) {
    response.body = Encode(coding, response.body);
    response.headers.emplace_back("Content-Encoding", NameOf(coding));
  }
  exchange->Answer(std::move(response));
}

HttpResponse JsonResponse(std::string body, int status) {
  HttpResponse response;
  response.status = status;
  response.content_type = "application/json";
  response.body = std::move(body);
  return response;
}

HttpResponse WrongMethod(const std::string& method, const std::string& allowed) {
  HttpResponse response =
      ToHttp(absl::UnimplementedError(absl::StrCat("method: expected ", allowed, ", got ", method)));
  response.status = 405;
  response.headers.emplace_back("Allow", allowed);
  return response;
}

}  // namespace beak
