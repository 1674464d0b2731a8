#include "server/http/monitoring_service.h"

#include <string>
#include <string_view>

#include "server/http/answer.h"
#include "server/http/status.h"

namespace beak {
namespace {

HttpResponse Text(int status, std::string body) {
  HttpResponse response;
  response.status = status;
  response.content_type = "text/plain; charset=utf-8";
  response.body = std::move(body);
  return response;
}

}  // namespace

HttpResponse MonitoringService::RespondMetrics(const HttpRequest& request) const {
  const auto admitted = gatekeeper_.Admit("/metrics", request.Header("authorization"));
  if (!admitted.ok()) return ToHttp(admitted.status());
  HttpResponse response = Text(200, metrics_.Text());
  response.content_type = "text/plain; version=0.0.4; charset=utf-8";  // of the exposition format
  return response;
}

HttpResponse MonitoringService::Respond(const HttpRequest& request) const {
  constexpr const char kMethods[] = "GET, HEAD";
  const std::string_view path = PathOf(request);
  const bool known = path == "/metrics" || path == "/livez" || path == "/readyz";
  if (!known) return ToHttp(absl::NotFoundError("path: expected /metrics, /livez or /readyz"));
  if (request.method != "GET" && request.method != "HEAD") return WrongMethod(request.method, kMethods);
  if (path == "/metrics") return RespondMetrics(request);
  if (path == "/livez") return Text(200, "ok\n");
  if (readiness_.ready()) return Text(200, "ok\n");
  return Text(503, readiness_.stopping() ? "the server is shutting down\n" : "the first loading is not over\n");
}

void MonitoringService::Handle(const std::shared_ptr<HttpExchange>& exchange) const {
  Answer(exchange, Respond(exchange->request()));
}

}  // namespace beak
