#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "server/http/http_message.h"

// What all services of HTTP do with requests and answers.
namespace beak {

// The path of a request, without its query. Points into the request.
std::string_view PathOf(const HttpRequest& request);

// Sends an answer, in the coding that the client takes best.
void Answer(const std::shared_ptr<HttpExchange>& exchange, HttpResponse response);

HttpResponse JsonResponse(std::string body, int status = 200);

// 405: `allowed` is what the header Allow says, "GET, HEAD".
HttpResponse WrongMethod(const std::string& method, const std::string& allowed);

}  // namespace beak
