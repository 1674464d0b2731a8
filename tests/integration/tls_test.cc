// TLS and certificates of clients, with real connections; and what a server listens on without them.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "client/client.h"
#include "proto/grpc/health/v1/health.grpc.pb.h"
#include "tests/integration/process.h"
#include "tests/integration/running_server.h"
#include "tests/server/support/networks.h"
#include "tests/support/certificates.h"
#include "tests/support/eventually.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"
#include "tests/support/token_line.h"

namespace beak {
namespace {

using client::Client;
using client::ClientOptions;
using client::Security;
using ::testing::AllOf;
using testing::CertificateAuthority;
using ::testing::HasSubstr;
using testing::PemPair;
using testing::Process;
using testing::RunningServer;
using testing::TempDir;

class TlsTest : public ::testing::Test {
 protected:
  TlsTest() { dir_.Write("models/scale/1/model.onnx", testing::ScaleNetwork(2)); }

  ServerConfig Config(const PemPair& pair) {
    Write(pair);
    ServerConfig config;
    config.model_repository = dir_ / "models";
    config.tls = {dir_ / "cert.pem", dir_ / "key.pem", ""};
    return config;
  }
  void Write(const PemPair& pair) {
    dir_.Write("cert.pem", pair.certificate);
    dir_.Write("key.pem", pair.key);
  }
  static absl::StatusOr<std::unique_ptr<Client>> Connect(const RunningServer& server, const Security& security,
                                                         std::chrono::seconds patience = std::chrono::seconds(20)) {
    ClientOptions options;
    options.security = security;
    options.connect_timeout = patience;
    return Client::Connect("localhost:" + std::to_string(server.grpc_port()), options);
  }
  static bool Connects(const RunningServer& server, const Security& security) {
    const auto client = Connect(server, security, std::chrono::seconds(1));
    return client.ok() && (*client)->IsLive().ok();
  }

  TempDir dir_;
  const CertificateAuthority authority_;
  const CertificateAuthority other_;
};

TEST_F(TlsTest, ClientsWhoTrustTheAuthorityAreServedAndOthersNotConnected) {
  const RunningServer server(Config(authority_.Issue("server")));
  const auto trusting = Connect(server, {.ca = authority_.pem()});
  ASSERT_OK(trusting);
  EXPECT_EQ(*(*trusting)->IsReady(), true);
  EXPECT_EQ(*(*trusting)->CheckHealth(), client::HealthStatus::kServing);
  EXPECT_FALSE(Connects(server, {.ca = other_.pem()}));
  EXPECT_FALSE(Connects(server, {})) << "without TLS";
  EXPECT_FALSE(Connects(server, {.ca = authority_.pem(), .server_name = "elsewhere"}));
  EXPECT_OK((*trusting)->IsReady()) << "they disturb nobody";
}

TEST_F(TlsTest, AConnectionAfterTheFilesWereReplacedSeesTheNewCertificate) {
  const RunningServer server(Config(authority_.Issue("server")));
  const auto before = Connect(server, {.ca = authority_.pem()});
  ASSERT_OK(before);
  ASSERT_OK((*before)->IsReady());

  dir_.Write("key.pem", "no key");
  // Longer than the server goes without looking at its files.
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(1500);
  while (std::chrono::steady_clock::now() < end) {
    ASSERT_TRUE(Connects(server, {.ca = authority_.pem()})) << "what was there stays in use";
  }
  Write(other_.Issue("server"));
  EXPECT_TRUE(testing::Eventually([&] { return Connects(server, {.ca = other_.pem()}); }));
  EXPECT_FALSE(Connects(server, {.ca = authority_.pem()}));
  EXPECT_OK((*before)->IsReady()) << "a connection that there was goes on";
}

TEST_F(TlsTest, WithAClientAuthorityOnlyClientsThatItSignedConnect) {
  ServerConfig config = Config(authority_.Issue("server"));
  config.tls.client_ca = dir_.Write("clients.pem", other_.pem());
  config.model_control_mode = ControlMode::kExplicit;
  const RunningServer server(config);
  const PemPair good = other_.Issue("Ada's laptop"), wrong = authority_.Issue("Mallory"),
                late = other_.Issue("Bob", -60);
  EXPECT_FALSE(Connects(server, {.ca = authority_.pem()}));
  EXPECT_FALSE(Connects(server, {.ca = authority_.pem(), .certificate = wrong.certificate, .key = wrong.key}));
  EXPECT_FALSE(Connects(server, {.ca = authority_.pem(), .certificate = late.certificate, .key = late.key}));
  const auto client = Connect(server, {.ca = authority_.pem(), .certificate = good.certificate, .key = good.key});
  ASSERT_OK(client);
  ::testing::internal::CaptureStderr();
  EXPECT_OK((*client)->LoadModel("scale"));
  EXPECT_THAT(::testing::internal::GetCapturedStderr(),
              HasSubstr("audit action=load model=scale caller=\"Ada's laptop\""));
}

TEST_F(TlsTest, TokensOfTheClientLibraryAreSentWithEachCall) {
  ServerConfig config = Config(authority_.Issue("server"));
  config.token_file = dir_.Write("tokens", testing::TokenLine("ada", "predict", "secret"));
  const RunningServer server(config);
  const auto with = Connect(server, {.ca = authority_.pem(), .token = "secret"});
  const auto without = Connect(server, {.ca = authority_.pem()});
  ASSERT_OK(with);
  ASSERT_OK(without);
  EXPECT_OK((*with)->ListModels());
  EXPECT_OK((*with)->GetServerMetadata());
  EXPECT_EQ((*with)->UnloadModel("scale").code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ((*without)->ListModels().status().code(), absl::StatusCode::kUnauthenticated);
  EXPECT_OK((*without)->CheckHealth());
}

TEST_F(TlsTest, SecurityThatMakesNoSenseIsRefusedByTheClient) {
  for (const Security& security : {Security{.certificate = "x", .key = "y"}, Security{.ca = "x", .certificate = "y"},
                                   Security{.ca = "x", .key = "y"}, Security{.server_name = "x"},
                                   Security{.token = "two words"}, Security{.token = "line\n"}}) {
    ClientOptions options;
    options.security = security;
    EXPECT_EQ(Client::Connect("localhost:1", options).status().code(), absl::StatusCode::kInvalidArgument);
  }
}

// A client that pings as if there were no other way to learn that its server lives.
TEST_F(TlsTest, AClientThatPingsWithoutMeasureLosesItsConnection) {
  ServerConfig config;
  config.model_repository = dir_ / "models";
  const RunningServer server(config);
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 20);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  const auto health = grpc::health::v1::Health::NewStub(grpc::CreateCustomChannel(
      "127.0.0.1:" + std::to_string(server.grpc_port()), grpc::InsecureChannelCredentials(), arguments));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::minutes(1));
  const auto watch = health->Watch(&context, grpc::health::v1::HealthCheckRequest());
  grpc::health::v1::HealthCheckResponse response;
  while (watch->Read(&response)) {
  }
  const grpc::Status status = watch->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(status.error_message(), HasSubstr("ping"));
}

TEST_F(TlsTest, AConnectionWithoutCallsIsClosedAfterAWhile) {
  ServerConfig config;
  config.model_repository = dir_ / "models";
  config.max_connection_idle = std::chrono::seconds(1);
  const RunningServer server(config);
  const auto channel = testing::Connect(server.grpc_port());
  const auto deadline = std::chrono::system_clock::now() + std::chrono::minutes(1);
  ASSERT_TRUE(channel->WaitForConnected(deadline));
  EXPECT_TRUE(channel->WaitForStateChange(GRPC_CHANNEL_READY, deadline));
}

struct StartCase {
  std::vector<std::string> flags;
  std::string says;  // empty: it starts
};

TEST_F(TlsTest, TheProgramListensForOthersOnlyWithTlsOrWhenToldSo) {
  const PemPair pair = authority_.Issue("server"), another = authority_.Issue("another");
  Write(pair);
  const std::string cert = "--tls-cert=" + (dir_ / "cert.pem"), key = "--tls-key=" + (dir_ / "key.pem"),
                    wrong = "--tls-key=" + dir_.Write("wrong.pem", another.key),
                    tokens = "--token-file=" + dir_.Write("tokens", "# none\n"), all = "--host=0.0.0.0";
  const std::vector<StartCase> cases = {
      {{}, ""},
      {{"--host=127.0.0.2"}, ""},
      {{tokens}, ""},
      {{all}, "--allow-insecure"},
      {{"--host=::"}, "--allow-insecure"},
      {{all, tokens}, "in the clear"},
      {{all, tokens, "--allow-insecure"}, ""},
      {{all, "--allow-insecure"}, ""},
      {{all, cert, key}, ""},
      {{all, cert}, "--tls-key"},
      {{key}, "--tls-cert"},
      {{cert, wrong}, "the key of"},
      {{"--tls-client-ca=" + (dir_ / "cert.pem")}, "--tls-client-ca"},
      {{"--token-file=" + (dir_ / "nosuch")}, "--token-file"},
      {{"--token-file=" + (dir_ / "key.pem")}, "key.pem:1: expected"},
  };
  for (const StartCase& c : cases) {
    std::vector<std::string> flags = {"--grpc-port=0", "--http-port=0", "--metrics-port=0", "--shutdown-grace-secs=0",
                                      "--model-repository=" + (dir_ / "models")};
    flags.insert(flags.end(), c.flags.begin(), c.flags.end());
    Process server(flags);
    const std::string ready = server.AwaitLine("beak-server ready");
    EXPECT_EQ(ready.empty(), !c.says.empty()) << ::testing::PrintToString(c.flags) << server.output;
    if (!ready.empty()) server.Signal(SIGTERM);
    EXPECT_EQ(server.Wait(), c.says.empty() ? 0 : 1) << ::testing::PrintToString(c.flags);
    EXPECT_THAT(server.output, HasSubstr(c.says));
  }
}

}  // namespace
}  // namespace beak
